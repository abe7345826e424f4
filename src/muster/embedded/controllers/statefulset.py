"""The StatefulSet controller: pods with names and claims of their own, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muster.embedded.controllers.pods import claim_pods, is_available, is_ready, until_available, without_zeros
from muster.embedded.controllers.revisions import Revisions
from muster.embedded.controllers.statefulset_pods import (
    make_claims,
    make_pod,
    ordinal_of,
    revision_of,
    wanted_ordinals,
)
from muster.embedded.events import EventRecorder
from muster.embedded.objects import Key, Object, controller_of, is_finished, is_terminating
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import PERSISTENTVOLUMECLAIMS, PODS, STATEFULSETS
from muster.embedded.status import StatusError
from muster.embedded.store import Store


@dataclass(frozen=True, slots=True)
class _Plan:
    """One StatefulSet as it was found."""

    statefulset: Object
    pods: dict[int, Object]  # by ordinal
    revisions: Revisions
    current: str  # the revision that pods below the partition keep
    update: str  # the revision of the present template

    @property
    def ordered(self) -> bool:
        return bool(self.statefulset["spec"]["podManagementPolicy"] == "OrderedReady")

    @property
    def partition(self) -> int:
        return int((self.statefulset["spec"]["updateStrategy"].get("rollingUpdate") or {}).get("partition", 0))

    def revision_for(self, ordinal: int) -> str:
        """Which revision a pod that is made now gets."""
        on_delete = self.statefulset["spec"]["updateStrategy"]["type"] == "OnDelete"
        if self.current != self.update and not on_delete and ordinal < self.partition:
            return self.current
        return self.update


class StatefulSetController:
    """Creates, replaces, updates and removes the pods of StatefulSets in their order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = EventRecorder(store, "statefulset-controller")

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("statefulset", self._store, self.reconcile)
        return reconciler.watch(STATEFULSETS, own_key).watch(PODS, self._sets_of)

    def _sets_of(self, pod: Object) -> Iterable[Key]:
        owner = controller_of(pod)
        namespace = pod["metadata"]["namespace"]
        if owner is not None:
            return (Key(namespace, owner["name"]),) if owner["kind"] == "StatefulSet" else ()
        return [s.key for s in self._store.scan(STATEFULSETS, namespace) if ordinal_of(s.shared, pod) is not None]

    def reconcile(self, key: Key) -> float | None:
        statefulset = self._store.find(STATEFULSETS, *key)
        if statefulset is None:
            return None
        plan = self._look(statefulset)
        try:
            if not is_terminating(statefulset):
                self._act(plan)
        finally:
            self._write_status(plan)
        minimum = statefulset["spec"].get("minReadySeconds", 0)
        return until_available(list(plan.pods.values()), minimum)

    def _look(self, statefulset: Object) -> _Plan:
        revisions = Revisions(self._store, statefulset)
        update = revisions.current()
        current = (statefulset.get("status") or {}).get("currentRevision") or update
        pods = {}
        for pod in claim_pods(self._store, statefulset):
            ordinal = ordinal_of(statefulset, pod)
            if ordinal is not None:
                pods[ordinal] = pod
        used = {revision_of(pod) for pod in pods.values()} | {current, update}
        revisions.forget(used, statefulset["spec"]["revisionHistoryLimit"])
        return _Plan(statefulset, pods, revisions, current, update)

    def _act(self, plan: _Plan) -> None:
        """Take the next steps; in order, the first one that has to be waited for ends the round."""
        wanted = wanted_ordinals(plan.statefulset)
        for ordinal in wanted:
            if not self._ensure(plan, ordinal) and plan.ordered:
                return
        for ordinal in sorted((o for o in plan.pods if o not in wanted), reverse=True):
            if not is_terminating(plan.pods[ordinal]):
                self._delete(plan, ordinal)
            if plan.ordered:
                return
        if plan.statefulset["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._update(plan, wanted)

    def _ensure(self, plan: _Plan, ordinal: int) -> bool:
        """See to it that the pod exists; whether it is up, so that the next one may follow."""
        pod = plan.pods.get(ordinal)
        if pod is not None and is_finished(pod) and not is_terminating(pod):
            self._delete(plan, ordinal)
            return False
        if pod is None:
            self._create(plan, ordinal)
            return False
        minimum = plan.statefulset["spec"].get("minReadySeconds", 0)
        return is_available(pod, minimum) and not is_terminating(pod)

    def _update(self, plan: _Plan, wanted: range) -> None:
        """Replace the last pod of another revision, one at a time."""
        for ordinal in reversed([o for o in wanted if o >= plan.partition]):
            pod = plan.pods.get(ordinal)
            if pod is None or is_terminating(pod):
                return
            if revision_of(pod) != plan.update:
                self._delete(plan, ordinal)
                return
            if not is_ready(pod):
                return

    def _create(self, plan: _Plan, ordinal: int) -> None:
        statefulset = plan.statefulset
        for claim in make_claims(statefulset, ordinal):
            meta = claim["metadata"]
            if not self._store.find(PERSISTENTVOLUMECLAIMS, meta["namespace"], meta["name"]):
                self._store.create(PERSISTENTVOLUMECLAIMS, claim)
        revision = plan.revision_for(ordinal)
        pod = make_pod(statefulset, plan.revisions.template(revision), revision, ordinal)
        name = pod["metadata"]["name"]
        try:
            plan.pods[ordinal] = self._store.create(PODS, pod)
        except StatusError as error:
            text = f"create Pod {name} in StatefulSet {statefulset['metadata']['name']} failed error: {error}"
            self._events.warning(statefulset, "FailedCreate", text)
            raise
        text = f"create Pod {name} in StatefulSet {statefulset['metadata']['name']} successful"
        self._events.normal(statefulset, "SuccessfulCreate", text)

    def _delete(self, plan: _Plan, ordinal: int) -> None:
        meta = plan.pods[ordinal]["metadata"]
        self._store.delete(PODS, meta["namespace"], meta["name"])
        text = f"delete Pod {meta['name']} in StatefulSet {plan.statefulset['metadata']['name']} successful"
        self._events.normal(plan.statefulset, "SuccessfulDelete", text)

    def _write_status(self, plan: _Plan) -> None:
        fresh = self._store.find(STATEFULSETS, *own_key(plan.statefulset)[0])
        if fresh is None:
            return
        pods = list(plan.pods.values())
        alive = [pod for pod in pods if not is_terminating(pod)]
        updated = sum(revision_of(pod) == plan.update for pod in alive)
        ready = sum(map(is_ready, alive))
        current = plan.current
        replicas = fresh["spec"]["replicas"]
        if updated == replicas == ready == len(pods) and not plan.partition:
            current = plan.update
        minimum = fresh["spec"].get("minReadySeconds", 0)
        fresh["status"] = {
            "observedGeneration": plan.statefulset["metadata"]["generation"],
            "replicas": len(pods),
            **without_zeros(
                {
                    "readyReplicas": ready,
                    "currentReplicas": sum(revision_of(pod) == current for pod in alive),
                    "updatedReplicas": updated,
                }
            ),
            "currentRevision": current,
            "updateRevision": plan.update,
            "collisionCount": 0,
            "availableReplicas": sum(is_available(pod, minimum) for pod in alive),
        }
        self._store.update_status(STATEFULSETS, fresh)
