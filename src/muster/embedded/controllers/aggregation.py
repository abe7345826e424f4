"""Aggregated ClusterRoles: their rules are those of all ClusterRoles that their selectors choose."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded import selectors
from muster.embedded.objects import Key, Object, labels_of
from muster.embedded.reconciler import Reconciler
from muster.embedded.resources import CLUSTERROLES
from muster.embedded.store import Store


class AggregationController:
    """Keeps the rules of aggregated ClusterRoles up to date; what else was written into them is replaced."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconciler(self) -> Reconciler[Key]:
        return Reconciler("aggregation", self._store, self.reconcile).watch(CLUSTERROLES, self._aggregated)

    def reconcile(self, key: Key) -> None:
        role = self._store.find(CLUSTERROLES, *key)
        if role is None or not role.get("aggregationRule"):
            return
        chosen = role["aggregationRule"].get("clusterRoleSelectors") or ()
        tests = [selectors.from_object(selector) for selector in chosen]
        rules: list[Object] = []
        for stored in self._store.scan(CLUSTERROLES):
            if stored.key != key and any(test(labels_of(stored.shared)) for test in tests):
                rules += [rule for rule in stored.shared.get("rules") or () if rule not in rules]
        if rules != (role.get("rules") or []):
            role["rules"] = rules
            self._store.update(CLUSTERROLES, role)

    def _aggregated(self, _role: Object) -> Iterable[Key]:
        """Any ClusterRole may be a part of each that is aggregated."""
        return [stored.key for stored in self._store.scan(CLUSTERROLES) if stored.shared.get("aggregationRule")]
