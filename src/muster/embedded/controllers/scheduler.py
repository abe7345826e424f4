"""The scheduler: binds pods to the one node, if it takes any."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.events import EventRecorder
from muster.embedded.objects import Key, Object, is_condition_true, is_terminating, key_of, labels_of, timestamp
from muster.embedded.reconciler import Reconciler
from muster.embedded.resources import NODES, PODS
from muster.embedded.store import Store


class Scheduler:
    """Gives pods their node. Node selectors and cordons count; requests for CPU and memory do not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = EventRecorder(store, "default-scheduler")

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("scheduler", self._store, self.reconcile)
        return reconciler.watch(PODS, _unbound).watch(NODES, self._waiting)

    def _waiting(self, _node: Object) -> Iterable[Key]:
        return [stored.key for stored in self._store.scan(PODS, match=_is_unbound)]

    def reconcile(self, key: Key) -> float | None:
        pod = self._store.find(PODS, *key)
        if pod is None or not _is_unbound(pod):
            return None
        nodes = self._store.objects(NODES)
        refusals = [why for node in nodes if (why := _refusal(pod, node))]
        fitting = [node for node in nodes if not _refusal(pod, node)]
        if fitting:
            self._bind(pod, fitting[0])
        else:
            self._refuse(pod, len(nodes), refusals)
        return None

    def _bind(self, pod: Object, node: Object) -> None:
        meta, name = pod["metadata"], node["metadata"]["name"]
        pod["spec"]["nodeName"] = name
        _set_scheduled(pod, {"status": "True"})
        self._store.revise(PODS, pod)
        message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {name}"
        self._events.normal(pod, "Scheduled", message)

    def _refuse(self, pod: Object, count: int, refusals: list[str]) -> None:
        reasons = ", ".join(f"{refusals.count(why)} {why}" for why in dict.fromkeys(refusals))
        message = f"0/{count} nodes are available: {reasons}." if count else "no nodes available to schedule pods"
        if _set_scheduled(pod, {"status": "False", "reason": "Unschedulable", "message": message}):
            self._store.revise(PODS, pod)
            self._events.warning(pod, "FailedScheduling", message)


def _is_unbound(pod: Object) -> bool:
    return not pod["spec"].get("nodeName") and not is_terminating(pod)


def _unbound(pod: Object) -> Iterable[Key]:
    return (key_of(pod),) if _is_unbound(pod) else ()


def _refusal(pod: Object, node: Object) -> str:
    """Why a node does not take a pod; empty if it does."""
    if node["spec"].get("unschedulable"):
        return "node(s) were unschedulable"
    if not is_condition_true(node, "Ready"):
        return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
    wanted = pod["spec"].get("nodeSelector") or {}
    if not wanted.items() <= labels_of(node).items():
        return "node(s) didn't match Pod's node affinity/selector"
    return ""


def _set_scheduled(pod: Object, values: Object) -> bool:
    """Put the PodScheduled condition onto the pod; False if it is there already."""
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    present = next((c for c in conditions if c["type"] == "PodScheduled"), None)
    if present and all(present.get(field) == value for field, value in values.items()):
        return False
    if present:
        conditions.remove(present)
    conditions.append({"type": "PodScheduled", "lastProbeTime": None, "lastTransitionTime": timestamp(), **values})
    return True
