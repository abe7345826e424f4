"""PATCH of an object, of its status or of its scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from muster.embedded import status
from muster.embedded.api import scale
from muster.embedded.api.call import Call
from muster.embedded.api.forms.bodies import check_depth, content_type, parse, unsupported_media_type
from muster.embedded.api.writing import place, write
from muster.embedded.objects import Object
from muster.embedded.patches import apply as server_side_apply
from muster.embedded.patches import json_patch, merge, strategic

APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")
STRATEGIC = "application/strategic-merge-patch+json"  # needs to know by which field a list's elements are told apart
_KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patch.apply,
    "application/merge-patch+json": merge.apply,
    STRATEGIC: strategic.apply,
}


async def patch(call: Call) -> web.Response:
    """PATCH, of whichever kind the content type says."""
    kind = content_type(call.request)
    if kind in APPLY:
        return await _apply(call)
    known = [name for name in _KINDS if name != STRATEGIC or not call.resource.custom]
    if kind not in known:
        raise unsupported_media_type(kind, ", ".join([*known, APPLY[0]]))
    changes = parse(await call.request.read(), kind)
    old = call.store.get(call.resource, call.namespace, call.target.name)
    if call.target.subresource == "scale":
        found = scale.view(old)
        return call.reply(scale.write(call, call.checked_kind(_KINDS[kind](found, changes), "Scale"), old))
    new = call.checked_kind(_KINDS[kind](old, changes), call.resource.kind)
    check_depth(new)
    return call.reply(write(call, place(call, call.decode(new, call.resource.kind)), old))


async def _apply(call: Call) -> web.Response:
    """Server-side apply: creates the object where there is none."""
    if not call.query("fieldManager"):
        cause = {"reason": "FieldValueRequired", "field": "fieldManager"}
        cause["message"] = "Required value: is required for apply patch"
        text = f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {cause["message"]}'
        details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [cause]}
        raise status.StatusError(422, "Invalid", text, details)
    found = parse(await call.request.read(), "application/yaml")
    wanted = place(call, call.decode(call.checked_kind(found, call.resource.kind), call.resource.kind))
    wanted = _without_others(call, wanted)
    old = call.store.find(call.resource, call.namespace, call.target.name)
    live = old or {"metadata": {}}
    if old is None and call.target.subresource:
        raise status.not_found(call.resource, call.target.name)
    new = server_side_apply.apply(
        call.resource,
        live,
        wanted,
        manager=call.manager,
        force=call.flag("force"),
        subresource=call.target.subresource,
    )
    if old is None:
        call.require("create")
    call.check_grant(new, old)
    if old is None:
        return call.reply(call.store.create(call.resource, new, dry_run=call.dry_run), 201)
    if call.target.subresource == "status":
        return call.reply(call.store.update_status(call.resource, new, dry_run=call.dry_run))
    return call.reply(call.store.update(call.resource, new, dry_run=call.dry_run))


def _without_others(call: Call, wanted: Object) -> Object:
    """What an apply to this address may own: its status alone, or all but the status."""
    if call.target.subresource == "status":
        return {field: value for field, value in wanted.items() if field != "spec"}
    if call.resource.has_status:
        wanted.pop("status", None)
    return wanted
