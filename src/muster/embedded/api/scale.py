"""The scale subresource: `spec.replicas` of a workload under an address that is the same for all."""

from __future__ import annotations

from aiohttp import web

from muster.embedded import selectors, status
from muster.embedded.api.call import Call
from muster.embedded.objects import Object


def view(workload: Object) -> Object:
    """The `Scale` of a workload."""
    meta = workload["metadata"]
    spec = workload["spec"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: meta[field] for field in kept if field in meta},
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {
            "replicas": (workload.get("status") or {}).get("replicas", 0),
            "selector": selectors.to_text(spec.get("selector")),
        },
    }


def get(call: Call) -> web.Response:
    return call.reply(view(call.store.get(call.resource, call.namespace, call.target.name)))


async def replace(call: Call) -> web.Response:
    wanted = await call.body("Scale")
    return call.reply(write(call, wanted, call.store.get(call.resource, call.namespace, call.target.name)))


def write(call: Call, wanted: Object, workload: Object) -> Object:
    """Set the workload's replicas to what a `Scale` says. Raises `StatusError`: 409, 422."""
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        cause = {"reason": "FieldValueInvalid", "field": "spec.replicas"}
        cause["message"] = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise status.invalid(call.resource, call.target.name, [cause])
    version = (wanted.get("metadata") or {}).get("resourceVersion")
    if version and version != workload["metadata"]["resourceVersion"]:
        raise status.conflict(call.resource, call.target.name)
    workload["spec"]["replicas"] = replicas
    return view(call.store.update(call.resource, workload, dry_run=call.dry_run))
