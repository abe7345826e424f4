"""What is changed in a cluster through one client: told for each request that changed something, with the fields.

Evidence of what a procedure did. That it ran at the right time proves nothing: what came back must depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from muster.wire.names import KINDS

Object = dict[str, Any]
Send = Callable[[str, str], Object | None]  # method and path to what was answered, None where that was a failure

READS = frozenset(("GET", "HEAD", "OPTIONS"))
_VERBS = {"POST": "create", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}
# What the server keeps of its own accord, or a client for itself.
_BOOKKEEPING = frozenset(("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink"))
_PATH = re.compile(
    r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?$"
)
_BY_PLURAL = {(kind.api, kind.plural): kind.name for kind in KINDS.values()}


class Change(NamedTuple):
    """One change: `verb` is create, replace, patch, delete, execute (a command in a container) or ask (a request to
    the service itself); `object` is `Kind/name`; `fields` are dotted paths of what is different now, and `replicas` how
    many were wanted before and are since, where that changed."""

    verb: str
    object: str
    fields: tuple[str, ...] = ()
    replicas: tuple[int, int] | None = None


class Target(NamedTuple):
    """What a request is about; `name` is None for a collection."""

    kind: str
    name: str | None
    sub: str | None


def target_of(path: str) -> Target | None:
    """What a path of the Kubernetes API names; None where it is no object of a kind that muster knows."""
    found = _PATH.match(path)
    if found is None:
        return None
    kind = _BY_PLURAL.get((found["core"] or found["group"], found["plural"]))
    return None if kind is None else Target(kind, found["name"], found["sub"])


def made(method: str, target: Target, before: Object | None, after: Object) -> list[Change]:
    """The changes that a request made, given what its path showed before and the answer; none where nothing differs.

    Of a collection that was deleted the answer lists what was chosen; one that does not may have been all of it.
    """
    kind, name, sub = target
    if method == "DELETE" and name is None:
        items = after.get("items")
        if not isinstance(items, list):
            return [Change("delete", f"{kind}/*")]
        return [Change("delete", f"{kind}/{_name(item)}") for item in items]
    named = name or _name(after)
    if not named or sub == "status":
        return []
    if sub == "eviction":
        return [Change("delete", f"{kind}/{named}")]
    verb = _VERBS[method]
    if verb in ("create", "delete"):
        return [Change(verb, f"{kind}/{named}")]
    fields = tuple(changed_fields(before or {}, after))
    return [Change(verb, f"{kind}/{named}", fields, _replicas(before, after))] if fields else []


def _name(item: Object) -> str:
    return str((item.get("metadata") or {}).get("name") or "")


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Dotted paths of what is different between two states of an object, its status and the server's bookkeeping aside.

    Lists are compared whole: `spec.template.spec.containers`.
    """
    for key in sorted({*before, *after} - {"status", "apiVersion", "kind", "metadata"}):
        yield from _differing(key, before.get(key), after.get(key))
    old, new = before.get("metadata") or {}, after.get("metadata") or {}
    for key in sorted({*old, *new} - _BOOKKEEPING):
        yield from _differing(f"metadata.{key}", old.get(key), new.get(key))


def _differing(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _differing(f"{path}.{key}", before.get(key), after.get(key))
    elif before != after:
        yield path


def _replicas(before: Object | None, after: Object) -> tuple[int, int] | None:
    counts = [((state or {}).get("spec") or {}).get("replicas") for state in (before, after)]
    old, new = (count if isinstance(count, int) else None for count in counts)
    return None if old is None or new is None or old == new else (old, new)
