"""GET of one object and of collections: selectors, paging, and the forms that a client may ask for."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import orjson
from aiohttp import web

from muster.embedded import selectors
from muster.embedded.api.call import Call
from muster.embedded.api.forms import tables
from muster.embedded.api.forms.bodies import JSON
from muster.embedded.objects import Key, Object
from muster.embedded.resources import Resource
from muster.embedded.status import bad_request
from muster.embedded.store import Match, Stored


def selection(call: Call) -> Match | None:
    """The test that the query's selectors make. Raises `StatusError` 400."""
    match = selectors.combine(call.query("labelSelector"), call.query("fieldSelector"), call.resource.kind)
    name = call.target.name
    if not name:
        return match
    return lambda obj: obj["metadata"]["name"] == name and (match is None or match(obj))


def present(call: Call, stored: Stored) -> web.Response:
    """Answer with one object, in the form that the client asked for."""
    form = call.form
    if form.is_plain:
        return web.Response(body=stored.encoded, content_type=JSON)
    if form.kind == "Table":
        return call.reply(tables.table(call.resource, [stored], call.query("includeObject"), str(stored.version)))
    return call.reply(tables.partial(stored.shared) if form.kind else stored.shared)


def get(call: Call) -> web.Response:
    """GET of one object."""
    return present(call, call.store.stored(call.resource, call.namespace, call.target.name))


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a collection, and where the next one begins."""

    items: list[Stored]
    version: int
    token: str
    remaining: int | None


def _page(call: Call) -> Page:
    match, version = selection(call), call.store.version
    rows = call.store.scan(call.resource, call.target.namespace, match)
    if token := call.query("continue"):
        version, after = _decode_token(token)
        rows = [row for row in rows if row.key > after]
    limit = call.number("limit") or 0
    if not 0 < limit < len(rows):
        return Page(rows, version, "", None)
    remaining = None if match else len(rows) - limit
    return Page(rows[:limit], version, _encode_token(version, rows[limit - 1].key), remaining)


def _encode_token(version: int, key: Key) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([version, *key])).decode().rstrip("=")


def _decode_token(token: str) -> tuple[int, Key]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        found = None
    match found:
        case [int(version), str(namespace), str(name)]:
            return version, Key(namespace, name)
    raise bad_request(f"continue key is not valid: {token}")


def list_objects(call: Call) -> web.Response:
    """GET of a collection."""
    page = _page(call)
    meta: Object = {"resourceVersion": str(page.version)}
    if page.token:
        meta["continue"] = page.token
    if page.remaining is not None:
        meta["remainingItemCount"] = page.remaining
    form = call.form
    if form.kind == "Table":
        table = tables.table(call.resource, page.items, call.query("includeObject"), str(page.version))
        table["metadata"] = meta
        return call.reply(table)
    if form.kind:
        items = [tables.partial(stored.shared) for stored in page.items]
        kind = "PartialObjectMetadataList"
        return call.reply({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": meta, "items": items})
    return reply_list(call, meta, page.items)


def reply_list(call: Call, meta: Object, items: list[Stored]) -> web.Response:
    """Answer with a list of whole objects."""
    if call.form.is_plain:
        return web.Response(body=_encode_list(call.resource, meta, items), content_type=JSON)
    kind, version = call.resource.kind, call.resource.api_version
    bare = [_without_kind(stored.shared) for stored in items]
    return call.reply({"kind": f"{kind}List", "apiVersion": version, "metadata": meta, "items": bare})


def _encode_list(resource: Resource, meta: Object, items: list[Stored]) -> bytes:
    """A list as JSON, out of the items' own; as from the real server they carry no kind and apiVersion."""
    head = orjson.dumps({"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta})
    skipped = len(orjson.dumps({"kind": resource.kind, "apiVersion": resource.api_version}))
    inner = b",".join(b"{" + stored.encoded[skipped:] for stored in items)
    return head[:-1] + b',"items":[' + inner + b"]}"


def _without_kind(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
