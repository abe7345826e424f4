"""POST, PUT and DELETE of objects."""

from __future__ import annotations

import asyncio

from aiohttp import web

from muster.embedded import status
from muster.embedded.api import audit, reading
from muster.embedded.api.call import Call, delete_options
from muster.embedded.controllers.accounts import DEFAULT
from muster.embedded.deletion import DeleteOptions, Deletion, is_deletable
from muster.embedded.objects import Key, Object
from muster.embedded.patches.apply import note_update
from muster.embedded.resources import (
    EVENTS,
    LEASES,
    NAMESPACES,
    PERSISTENTVOLUMECLAIMS,
    PODDISRUPTIONBUDGETS,
    PODS,
    SERVICEACCOUNTS,
    SERVICES,
    Resource,
)
from muster.embedded.status import StatusError, bad_request
from muster.embedded.store import Store

_RETURN_DELETED = {PODS, SERVICES, PERSISTENTVOLUMECLAIMS, SERVICEACCOUNTS}
_CREATED_BY_UPDATE = {LEASES, EVENTS}
_ONLY_CONDITIONAL = {LEASES, PODDISRUPTIONBUDGETS}
BETWEEN_WRITES_S = 0.05
ACCOUNT_LOOKS = 20


async def create(call: Call) -> web.Response:
    """POST to a collection."""
    obj = place(call, await call.body())
    audit.name_object(call.request, obj)
    call.check_grant(obj, None)
    if call.resource is PODS:
        await _wait_for_account(call.store, call.namespace, obj)
    note_update(call.resource, None, obj, call.manager)
    return call.reply(call.store.create(call.resource, obj, dry_run=call.dry_run), 201)


async def _wait_for_account(store: Store, namespace: str, pod: Object) -> None:
    """A namespace is given its account a moment after it was made; who makes a pod at once need not know that."""
    if (pod.get("spec") or {}).get("serviceAccountName") not in (None, "", DEFAULT):
        return
    for _ in range(ACCOUNT_LOOKS):
        if store.peek(SERVICEACCOUNTS, namespace, DEFAULT) or not store.peek(NAMESPACES, "", namespace):
            return
        await asyncio.sleep(BETWEEN_WRITES_S)


async def replace(call: Call) -> web.Response:
    """PUT of an object or of its status."""
    obj = place(call, await call.body())
    meta = obj["metadata"]
    if not meta.get("name"):
        raise bad_request("name must be provided")
    old = call.store.find(call.resource, call.namespace, call.target.name)
    if old is None and call.resource in _CREATED_BY_UPDATE and not call.target.subresource:
        call.require("create")
        note_update(call.resource, None, obj, call.manager)
        return call.reply(call.store.create(call.resource, obj, dry_run=call.dry_run), 201)
    if call.resource in _ONLY_CONDITIONAL and not meta.get("resourceVersion"):
        cause = {"reason": "FieldValueInvalid", "field": "metadata.resourceVersion"}
        cause["message"] = "Invalid value: 0: must be specified for an update"
        raise status.invalid(call.resource, meta["name"], [cause])
    return call.reply(write(call, obj, old))


def write(call: Call, obj: Object, old: Object | None) -> Object:
    """Write a changed object where the call's path says: the object, its status, or its finalizers."""
    sub = call.target.subresource
    call.check_grant(obj, old)
    note_update(call.resource, old, obj, call.manager, sub)
    if sub == "status":
        return call.store.update_status(call.resource, obj, dry_run=call.dry_run)
    return call.store.update(call.resource, obj, dry_run=call.dry_run)


def place(call: Call, obj: Object) -> Object:
    """`obj` with the namespace and name of the path. Raises `StatusError` 400 where it says others."""
    meta = obj.setdefault("metadata", {})
    if call.resource.namespaced:
        if meta.setdefault("namespace", call.namespace) != call.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    else:
        meta.pop("namespace", None)
    name = call.target.name
    if name and meta.setdefault("name", name) != name:
        raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
    return obj


async def delete(call: Call) -> web.Response:
    """DELETE of one object."""
    deletion = await remove(call.store, call.resource, call.target.key, await delete_options(call))
    if deletion.gone and call.resource not in _RETURN_DELETED and call.resource is not NAMESPACES:
        uid = deletion.object["metadata"]["uid"]
        return call.reply(status.success(call.resource, call.target.name, uid))
    return call.reply(deletion.object)


async def remove(store: Store, resource: Resource, key: Key, options: DeleteOptions) -> Deletion:
    """Delete an object as the real API server does. Raises `StatusError`: 404, 409.

    A pod that goes at once is written twice, a moment apart: marked, then removed. Controllers see both, and that is
    why a Service goes on for a second with a pod that was deleted by force (tests/embedded/conformance/datapath.json).
    """
    if resource is not PODS or options.dry_run:
        return store.delete(resource, *key, options)
    marked = store.mark(resource, *key, options)
    if not is_deletable(resource, marked):
        return Deletion(marked, gone=False)
    await asyncio.sleep(BETWEEN_WRITES_S)
    try:
        return store.delete(resource, *key, DeleteOptions(uid=marked["metadata"]["uid"], grace_seconds=0))
    except StatusError as error:
        if error.code not in (404, 409):
            raise
        return Deletion(marked, gone=True)  # somebody else's write was the last one


async def delete_collection(call: Call) -> web.Response:
    """DELETE of everything that the selectors of the query choose; answers with what was chosen."""
    options = await delete_options(call)
    chosen = call.store.scan(call.resource, call.target.namespace, reading.selection(call))
    for stored in chosen:
        try:
            await remove(call.store, call.resource, stored.key, options)
        except StatusError as error:
            if error.code != 404:
                raise
    return reading.reply_list(call, {"resourceVersion": str(call.store.version)}, chosen)
