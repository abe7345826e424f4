"""The ReplicaSet controller: as many pods as wanted."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.controllers.pods import (
    claim_pods,
    is_active,
    is_available,
    is_ready,
    pod_from_template,
    ready_for,
    until_available,
    without_zeros,
)
from muster.embedded.deletion import DeleteOptions
from muster.embedded.events import EventRecorder
from muster.embedded.objects import Key, Object, age_seconds, controller_of, is_terminating, timestamp
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import PODS, REPLICASETS
from muster.embedded.status import StatusError
from muster.embedded.store import Store

_COST = "controller.kubernetes.io/pod-deletion-cost"
BURST = 500  # pods made or deleted in one go


class ReplicaSetController:
    """Creates and deletes the pods of ReplicaSets."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = EventRecorder(store, "replicaset-controller")

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("replicaset", self._store, self.reconcile)
        return reconciler.watch(REPLICASETS, own_key).watch(PODS, self._sets_of)

    def _sets_of(self, pod: Object) -> Iterable[Key]:
        owner = controller_of(pod)
        namespace = pod["metadata"]["namespace"]
        if owner is not None:
            return (Key(namespace, owner["name"]),) if owner["kind"] == "ReplicaSet" else ()
        return [stored.key for stored in self._store.scan(REPLICASETS, namespace)]  # one of them may adopt it

    def reconcile(self, key: Key) -> float | None:
        replicaset = self._store.find(REPLICASETS, *key)
        if replicaset is None:
            return None
        pods = [pod for pod in claim_pods(self._store, replicaset) if is_active(pod)]
        failure: StatusError | None = None
        if not is_terminating(replicaset):
            try:
                self._adjust(replicaset, pods)
            except StatusError as error:
                failure = error
        self._write_status(replicaset, [pod for pod in pods if self._exists(pod)], failure)
        if failure is not None:
            raise failure
        return until_available(pods, replicaset["spec"].get("minReadySeconds", 0))

    def _exists(self, pod: Object) -> bool:
        found = self._store.find(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
        return found is not None and is_active(found)

    def _adjust(self, replicaset: Object, pods: list[Object]) -> None:
        """Create what is missing, delete what is too much; `pods` is kept up with it."""
        missing = replicaset["spec"].get("replicas", 1) - len(pods)
        pods.extend(self._create(replicaset) for _ in range(min(missing, BURST)))
        if missing < 0:
            for pod in sorted(pods, key=victim_rank)[: min(-missing, BURST)]:
                self._delete(replicaset, pod)

    def _create(self, replicaset: Object) -> Object:
        pod = pod_from_template(replicaset["spec"]["template"], replicaset)
        pod["metadata"]["generateName"] = f"{replicaset['metadata']['name']}-"
        try:
            made = self._store.create(PODS, pod)
        except StatusError as error:
            self._events.warning(replicaset, "FailedCreate", f"Error creating: {error}")
            raise
        self._events.normal(replicaset, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return made

    def _delete(self, replicaset: Object, pod: Object) -> None:
        meta = pod["metadata"]
        self._store.delete(PODS, meta["namespace"], meta["name"], DeleteOptions(uid=meta["uid"]))
        self._events.normal(replicaset, "SuccessfulDelete", f"Deleted pod: {meta['name']}")

    def _write_status(self, replicaset: Object, pods: list[Object], failure: StatusError | None) -> None:
        minimum = replicaset["spec"].get("minReadySeconds", 0)
        wanted = replicaset["spec"]["template"]["metadata"].get("labels") or {}
        labelled = [p for p in pods if wanted.items() <= (p["metadata"].get("labels") or {}).items()]
        status = without_zeros(
            {
                "fullyLabeledReplicas": len(labelled),
                "readyReplicas": sum(map(is_ready, pods)),
                "availableReplicas": sum(is_available(pod, minimum) for pod in pods),
                "observedGeneration": replicaset["metadata"]["generation"],
                "conditions": _conditions(replicaset, failure),
            }
        )
        fresh = self._store.find(REPLICASETS, *own_key(replicaset)[0])
        if fresh is not None:
            fresh["status"] = {"replicas": len(pods), **status}
            self._store.update_status(REPLICASETS, fresh)


def _conditions(replicaset: Object, failure: StatusError | None) -> list[Object]:
    """The ReplicaFailure condition, while pods cannot be made."""
    if failure is None:
        return []
    present = (replicaset.get("status") or {}).get("conditions") or []
    since = present[0]["lastTransitionTime"] if present else timestamp()
    found = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": str(failure)}
    return [{**found, "lastTransitionTime": since}]


def victim_rank(pod: Object) -> tuple[float, ...]:
    """Sorts pods so that those to delete first come first.

    Not scheduled before scheduled, pending before running, not ready before ready, lower deletion cost, ready for a
    shorter time, more restarts, younger: as the real controller ranks them.
    """
    status = pod.get("status") or {}
    phase = {"Pending": 0, "Unknown": 1}.get(status.get("phase", "Pending"), 2)
    restarts = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
    return (
        1.0 if pod["spec"].get("nodeName") else 0.0,
        phase,
        1.0 if is_ready(pod) else 0.0,
        float((pod["metadata"].get("annotations") or {}).get(_COST, 0)),
        ready_for(pod),
        -restarts,
        age_seconds(pod["metadata"]["creationTimestamp"]),
    )
