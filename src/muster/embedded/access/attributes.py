"""What a request wants, in the terms in which rights are granted: a verb on a resource, or on a path that is none.

The same reading of paths as a real API server's: whether a resource exists is not asked here, so nobody learns by a 404
of what they may not see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from muster.embedded.access.users import User
from muster.embedded.status import StatusError

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_NAMESPACES = ("status", "finalize")
_NAME = re.compile(r"(?:^|,)metadata\.name==?([^,=!\\]+)(?=,|$)")


class Attributes(NamedTuple):
    """What is wanted. `path` is set where it is no resource; then only it and `verb` count."""

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """The resource as rules name it: `pods`, `pods/exec`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def is_set(query: Mapping[str, str], name: str) -> bool:
    """Whether a boolean of a query is set; `?watch` counts as set."""
    return name in query and query[name].lower() in ("", "1", "t", "true")


def attributes_of(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """What a request wants."""
    parts = path.strip("/").split("/")
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Attributes(method.lower(), path=path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    verb = _VERBS.get(method, "")
    if not name and verb in ("get", "delete"):
        verb = "deletecollection" if verb == "delete" else "watch" if is_set(query, "watch") else "list"
        if chosen := _NAME.search(query.get("fieldSelector", "")):
            name = chosen[1]
    return Attributes(verb, group, version, resource, subresource, namespace, name)


def denied(user: User, wanted: Attributes, reason: str = "") -> StatusError:
    """403, as a real API server words it."""
    if wanted.path:
        what = f'User "{user.name}" cannot {wanted.verb} path "{wanted.path}"'
    else:
        where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
        what = (
            f'User "{user.name}" cannot {wanted.verb} resource "{wanted.full_resource}" in API group '
            f'"{wanted.group}" {where}'
        )
    return forbidden(wanted, f"{what}: {reason}" if reason else what)


def forbidden(wanted: Attributes, why: str) -> StatusError:
    """403 with its details, for a reason of one's own."""
    qualified = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    named = f'{qualified} "{wanted.name}" is ' if wanted.name else f"{qualified} is " if qualified else ""
    known = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    return StatusError(403, "Forbidden", f"{named}forbidden: {why}", {k: v for k, v in known.items() if v})
