"""One request: which object it means, what it asks for, and what it brings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from muster.embedded.access.accounts import Accounts
from muster.embedded.access.attributes import attributes_of, denied, is_set
from muster.embedded.access.authorizer import Authorizer
from muster.embedded.access.grants import check_grant
from muster.embedded.access.users import User
from muster.embedded.api.forms.answers import Form, answer, negotiate
from muster.embedded.api.forms.bodies import (
    JSON,
    PROTOBUF,
    YAML,
    content_type,
    header,
    parse,
    unsupported_media_type,
)
from muster.embedded.contracts import Node
from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import Key, Object
from muster.embedded.resources import Resource, by_path
from muster.embedded.schema.decode import Decoder
from muster.embedded.status import bad_request, unknown_path
from muster.embedded.store import Store

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Backend:
    """What stands behind the API."""

    store: Store
    node: Node
    accounts: Accounts
    authorizer: Authorizer


@dataclass(frozen=True, slots=True)
class Target:
    """The object, or the collection where `name` is empty, that a path means."""

    resource: Resource
    namespace: str | None  # None: all of them, or a resource of the cluster
    name: str
    subresource: str

    @property
    def key(self) -> Key:
        """Where the store has the object."""
        return Key(self.namespace or "", self.name)


@dataclass(slots=True)
class Call:
    """A request on its way through the handlers."""

    request: web.Request
    backend: Backend
    target: Target
    user: User
    warnings: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.backend.store

    @property
    def resource(self) -> Resource:
        return self.target.resource

    @property
    def namespace(self) -> str:
        """The namespace as the store has it: empty for objects of the cluster."""
        return self.target.namespace or ""

    def query(self, name: str, default: str = "") -> str:
        return self.request.query.get(name, default)

    def flag(self, name: str) -> bool:
        """Whether a boolean of the query is set; `?watch` counts as set."""
        return is_set(self.request.query, name)

    def number(self, name: str) -> int | None:
        """An integer of the query. Raises `StatusError` 400."""
        text = self.query(name)
        if not text:
            return None
        if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax (query parameter {name})')
        return int(text)

    @property
    def dry_run(self) -> bool:
        """Raises `StatusError` 400 for a value that does not exist."""
        value = self.query("dryRun")
        if value not in ("", "All"):
            raise bad_request(f'dryRun: Unsupported value: "{value}": supported values: "All"')
        return value == "All"

    def require(self, verb: str) -> None:
        """What this request comes to takes another right than its method says. Raises `StatusError` 403."""
        if self.user.is_master:
            return
        wanted = attributes_of(self.request.method, self.request.path, self.request.query)._replace(verb=verb)
        decision = self.backend.authorizer.decide(self.user, wanted)
        if not decision.allowed:
            raise denied(self.user, wanted, decision.reason)

    def check_grant(self, new: Object, old: Object | None) -> None:
        """Nobody grants what they do not have. Raises `StatusError`: 403, 404."""
        check_grant(self.backend.authorizer, self.user, self.resource, new, old)

    @property
    def manager(self) -> str:
        """The field manager: as named in the query, else the client's name."""
        agent = header(self.request, "User-Agent", "unknown").partition("/")[0]
        return self.query("fieldManager") or agent or "unknown"

    async def body(self, kind: str | None = None) -> Object:
        """The object that the request brings, decoded and checked against its type.

        Raises `StatusError` 400 for what is no such object.
        """
        media = content_type(self.request)
        if self.resource.custom and media == PROTOBUF:
            raise unsupported_media_type(media, f"{JSON}, {YAML}")
        found = parse(await self.request.read(), media)
        return self.decode(self.checked_kind(found, kind or self.resource.kind), kind or self.resource.kind)

    def checked_kind(self, obj: Any, kind: str) -> Object:
        """`obj` with `kind` and `apiVersion` that fit the address. Raises `StatusError` 400."""
        if not isinstance(obj, dict):
            raise bad_request(f"the body of the request must be an object of kind {kind}")
        found = obj.setdefault("kind", kind)
        version = self.resource.api_version if kind == self.resource.kind else obj.get("apiVersion", "v1")
        if found != kind or obj.setdefault("apiVersion", version) != version:
            raise bad_request(
                f"the API version and kind in the data ({obj.get('apiVersion', '')}, "
                f"{found}) do not match the expected ({version}, {kind})"
            )
        return obj

    def decode(self, obj: Object, kind: str) -> Object:
        """`obj` without fields that its type does not have; what becomes of those is asked for by the query."""
        validation = self.query("fieldValidation", "Warn")
        if validation not in ("Warn", "Strict", "Ignore"):
            raise bad_request(f'fieldValidation: Unsupported value: "{validation}"')
        decoder = Decoder(kind, obj.get("apiVersion", "v1"))
        result = decoder.decode(obj)
        texts = [f'unknown field "{path}"' for path in decoder.unknown]
        if texts and validation == "Strict":
            raise bad_request(f"strict decoding error: {', '.join(texts)}")
        if validation == "Warn":
            self.warnings += texts
        return result

    @property
    def form(self) -> Form:
        """How the client wants its answer. Raises `StatusError` 406."""
        return negotiate(self.request, protobuf=not self.resource.custom)

    def reply(self, obj: Any, code: int = 200) -> web.Response:
        """Answer with an object, in the media type that the client asked for."""
        response = answer(self.form, obj, code)
        if self.resource.idle and self.request.method in _CHANGING:
            self.warnings.append(f"{self.resource.kind}: the embedded cluster keeps it, and nothing acts on it")
        for text in self.warnings:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.add("Warning", f'299 - "{escaped}"')
        return response


_CHANGING = ("POST", "PUT", "PATCH")
_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+)(?P<beyond>/.*)?)?",
    re.DOTALL,
)
_PROXY = "proxy"  # the one subresource whose path goes on


def find_target(path: str) -> Target:
    """What a path means. Raises `StatusError` 404 for one that is not served."""
    found = _PATH.fullmatch(path.rstrip("/"))
    if not found:
        raise unknown_path()
    group, version = found["group"] or "", found["core"] or found["version"]
    namespace, plural, name, sub = found["namespace"], found["plural"], found["name"] or "", found["subresource"] or ""
    if not group and namespace and plural in ("status", "finalize") and not name:
        namespace, plural, name, sub = None, "namespaces", namespace, plural
    resource = by_path(group, version, plural)
    if resource is None or resource.namespaced < bool(namespace) or (resource.namespaced and name and not namespace):
        raise unknown_path()
    if sub and sub not in (known.name for known in resource.subresources):
        raise unknown_path()
    if found["beyond"] and sub != _PROXY:
        raise unknown_path()
    return Target(resource, namespace, name, sub)


async def delete_options(call: Call) -> DeleteOptions:
    """How to delete: the body's wishes before the query's. Raises `StatusError` 400."""
    raw = await call.request.read()
    body = parse(raw, content_type(call.request)) if raw.strip() else {}
    if not isinstance(body, dict):
        raise bad_request("the body of a deletion must be a DeleteOptions object")
    body = Decoder("DeleteOptions", "v1").decode(body)
    grace = body.get("gracePeriodSeconds", call.number("gracePeriodSeconds"))
    propagation = body.get("propagationPolicy") or call.query("propagationPolicy") or None
    orphan = body.get("orphanDependents", call.flag("orphanDependents") if call.query("orphanDependents") else None)
    if orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    if propagation not in (None, "Background", "Foreground", "Orphan"):
        raise bad_request(f'propagationPolicy: Unsupported value: "{propagation}"')
    preconditions = body.get("preconditions") or {}
    return DeleteOptions(
        grace_seconds=grace,
        propagation=propagation,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=call.dry_run or body.get("dryRun") == ["All"],
    )
