"""PodDisruptionBudgets: how many pods may be evicted, as their status says and evictions ask."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded import selectors
from muster.embedded.controllers.pods import is_active, is_ready
from muster.embedded.controllers.rollout import resolve
from muster.embedded.objects import Key, Object, is_finished, labels_of
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import PODDISRUPTIONBUDGETS, PODS
from muster.embedded.store import Store


def budget_status(store: Store, budget: Object) -> Object:
    """What a budget allows at this moment."""
    matches = selectors.from_object(budget["spec"].get("selector"))
    namespace = budget["metadata"]["namespace"]
    guarded = [s.shared for s in store.scan(PODS, namespace, lambda p: matches(labels_of(p)) and not is_finished(p))]
    healthy = sum(is_active(pod) and is_ready(pod) for pod in guarded)
    needed = _needed(budget["spec"], len(guarded))
    return {
        "observedGeneration": budget["metadata"]["generation"],
        "disruptionsAllowed": max(healthy - needed, 0),
        "currentHealthy": healthy,
        "desiredHealthy": needed,
        "expectedPods": len(guarded),
    }


def budgets_of(store: Store, pod: Object) -> list[Object]:
    """The budgets that guard a pod."""
    labels = labels_of(pod)
    return store.objects(
        PODDISRUPTIONBUDGETS,
        pod["metadata"]["namespace"],
        lambda budget: selectors.from_object(budget["spec"].get("selector"))(labels),
    )


def _needed(spec: Object, count: int) -> int:
    """How many healthy pods a budget asks for, of `count` that it guards."""
    if "minAvailable" in spec:
        return resolve(spec["minAvailable"], count, up=True)
    return max(count - resolve(spec.get("maxUnavailable", 0), count, up=True), 0)


class BudgetController:
    """Keeps the status of budgets up to date."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("budget", self._store, self.reconcile)
        return reconciler.watch(PODDISRUPTIONBUDGETS, own_key).watch(PODS, self._budgets_near)

    def _budgets_near(self, pod: Object) -> Iterable[Key]:
        return [stored.key for stored in self._store.scan(PODDISRUPTIONBUDGETS, pod["metadata"]["namespace"])]

    def reconcile(self, key: Key) -> float | None:
        budget = self._store.find(PODDISRUPTIONBUDGETS, *key)
        if budget is not None:
            budget["status"] = budget_status(self._store, budget)
            self._store.update_status(PODDISRUPTIONBUDGETS, budget)
        return None
