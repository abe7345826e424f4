"""The eviction subresource: a deletion that disruption budgets may refuse."""

from __future__ import annotations

from aiohttp import web

from muster.embedded.api.call import Call
from muster.embedded.api.writing import remove
from muster.embedded.controllers.budgets import budget_status, budgets_of
from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import Object, is_condition_true, is_finished, is_terminating
from muster.embedded.resources import PODS
from muster.embedded.status import StatusError
from muster.embedded.store import Store

_CREATED = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def evict(call: Call) -> web.Response:
    """POST to pods/NAME/eviction. Raises `StatusError`: 404, 429 where a budget would be exceeded."""
    wanted = await call.body("Eviction")
    options = wanted.get("deleteOptions") or {}
    pod = call.store.get(PODS, call.namespace, call.target.name)
    if is_condition_true(pod, "Ready") and not is_finished(pod) and not is_terminating(pod):
        _check_budgets(call.store, pod)
    preconditions = options.get("preconditions") or {}
    delete = DeleteOptions(
        grace_seconds=options.get("gracePeriodSeconds"),
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=call.dry_run or options.get("dryRun") == ["All"],
    )
    await remove(call.store, PODS, call.target.key, delete)
    return call.reply(_CREATED, 201)


def _check_budgets(store: Store, pod: Object) -> None:
    for budget in budgets_of(store, pod):
        found = budget_status(store, budget)
        if found["disruptionsAllowed"] < 1:
            text = "Cannot evict pod as it would violate the pod's disruption budget."
            message = (
                f"The disruption budget {budget['metadata']['name']} needs {found['desiredHealthy']} healthy pods and "
                f"has {found['currentHealthy']} currently"
            )
            cause = {"reason": "DisruptionBudget", "message": message}
            raise StatusError(429, "TooManyRequests", text, {"causes": [cause]})
