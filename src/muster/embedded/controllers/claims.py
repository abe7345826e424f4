"""PersistentVolumeClaims: bound at once, and kept while a pod uses them. Their directories are the node's."""

from __future__ import annotations

from collections.abc import Iterable

from muster.embedded.admission.cluster_rules import CLAIM_PROTECTION
from muster.embedded.objects import Key, Object, is_finished, is_terminating
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import PERSISTENTVOLUMECLAIMS, PODS
from muster.embedded.store import Store


class ClaimController:
    """Binds claims, and holds deleted ones until no pod uses them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("claim", self._store, self.reconcile)
        return reconciler.watch(PERSISTENTVOLUMECLAIMS, own_key).watch(PODS, claims_of)

    def reconcile(self, key: Key) -> float | None:
        claim = self._store.find(PERSISTENTVOLUMECLAIMS, *key)
        if claim is None:
            return None
        if is_terminating(claim):
            self._release(claim, key)
        elif (claim.get("status") or {}).get("phase") != "Bound":
            self._bind(claim)
        return None

    def _bind(self, claim: Object) -> None:
        spec = claim["spec"]
        spec["volumeName"] = f"pvc-{claim['metadata']['uid']}"
        capacity = {"storage": spec["resources"]["requests"]["storage"]}
        claim["status"] = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity}
        self._store.revise(PERSISTENTVOLUMECLAIMS, claim)

    def _release(self, claim: Object, key: Key) -> None:
        users = [
            pod for pod in self._store.scan(PODS, key.namespace)
            if key in claims_of(pod.shared) and not is_finished(pod.shared)
        ]  # fmt: skip
        finalizers = claim["metadata"].get("finalizers") or []
        if not users and CLAIM_PROTECTION in finalizers:
            claim["metadata"]["finalizers"] = [f for f in finalizers if f != CLAIM_PROTECTION]
            self._store.update(PERSISTENTVOLUMECLAIMS, claim)


def claims_of(pod: Object) -> Iterable[Key]:
    """The claims that a pod mounts."""
    sources = (volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ())
    return [Key(pod["metadata"]["namespace"], source["claimName"]) for source in sources if source]
