"""The Deployment controller: one ReplicaSet for each template, and the way from one to the next."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from muster.embedded import selectors
from muster.embedded.controllers import rollout
from muster.embedded.controllers.deployment_status import status_of, until_deadline
from muster.embedded.controllers.hashes import TEMPLATE_HASH, template_hash, without_hash
from muster.embedded.events import EventRecorder
from muster.embedded.objects import (
    Key,
    Object,
    controller_of,
    is_finished,
    is_owned_by,
    is_terminating,
    labels_of,
    owner_reference,
)
from muster.embedded.reconciler import Reconciler, own_key
from muster.embedded.resources import DEPLOYMENTS, PODS, REPLICASETS
from muster.embedded.store import Store

REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAX = "deployment.kubernetes.io/max-replicas"
_HISTORY = "deployment.kubernetes.io/revision-history"
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", REVISION, _DESIRED, _MAX, _HISTORY)


class DeploymentController:
    """Creates ReplicaSets and moves their sizes, within the limits of the strategy."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = EventRecorder(store, "deployment-controller")

    def reconciler(self) -> Reconciler[Key]:
        reconciler = Reconciler("deployment", self._store, self.reconcile)
        reconciler.watch(DEPLOYMENTS, own_key).watch(REPLICASETS, _deployment_of)
        return reconciler.watch(PODS, self._recreating)

    def _recreating(self, pod: Object) -> Iterable[Key]:
        """A Recreate waits for the last old pod, which ReplicaSets no longer count while it ends."""
        namespace = pod["metadata"]["namespace"]
        for stored in self._store.scan(DEPLOYMENTS, namespace):
            if stored.shared["spec"]["strategy"]["type"] == "Recreate":
                yield stored.key

    def reconcile(self, key: Key) -> float | None:
        deployment = self._store.find(DEPLOYMENTS, *key)
        if deployment is None:
            return None
        replicasets = self._claim(deployment)
        if is_terminating(deployment):
            return None
        paused = bool(deployment["spec"].get("paused"))
        new = self._current(deployment, replicasets, create=not paused)
        olds = [rs for rs in replicasets if new is None or rs["metadata"]["uid"] != new["metadata"]["uid"]]
        if paused or _was_resized(deployment, [*olds, *([new] if new else [])]):
            self._rescale(deployment, new, olds)
        elif new is not None and deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(deployment, new, olds)
        elif new is not None:
            self._roll(deployment, new, olds)
        self._forget(deployment, olds)
        return self._write_status(key, new)

    # ReplicaSets

    def _claim(self, deployment: Object) -> list[Object]:
        """The Deployment's ReplicaSets, oldest first; orphans that match are taken over."""
        meta = deployment["metadata"]
        matches = selectors.from_object(deployment["spec"]["selector"])
        found: list[Object] = []
        for stored in self._store.scan(REPLICASETS, meta["namespace"]):
            replicaset = stored.copy()
            if is_owned_by(replicaset, meta["uid"]):
                found.append(replicaset)
            elif (
                controller_of(replicaset) is None and matches(labels_of(replicaset)) and not is_terminating(deployment)
            ):
                replicaset["metadata"].setdefault("ownerReferences", []).append(owner_reference(deployment))
                found.append(self._store.update(REPLICASETS, replicaset))
        return sorted(found, key=lambda rs: (_revision(rs), rs["metadata"]["creationTimestamp"]))

    def _current(self, deployment: Object, replicasets: list[Object], *, create: bool) -> Object | None:
        """The ReplicaSet of the present template with the highest revision of all, made if need be."""
        template = deployment["spec"]["template"]
        found = next((rs for rs in replicasets if without_hash(rs["spec"]["template"]) == template), None)
        highest = max((_revision(rs) for rs in replicasets if rs is not found), default=0)
        if found is None:
            if not create:
                return None
            found = self._create(deployment, highest + 1, replicasets)
        elif _revision(found) <= highest or not _revision(found):
            found = self._raise_revision(found, highest + 1)
        self._show_revision(deployment, _revision(found))
        return found

    def _create(self, deployment: Object, revision: int, replicasets: list[Object]) -> Object:
        meta, spec = deployment["metadata"], deployment["spec"]
        template = copy.deepcopy(spec["template"])
        suffix = template_hash(template)
        template["metadata"].setdefault("labels", {})[TEMPLATE_HASH] = suffix
        selector = copy.deepcopy(spec["selector"])
        selector.setdefault("matchLabels", {})[TEMPLATE_HASH] = suffix
        room = rollout.new_size(
            wanted=spec["replicas"], new=0, total=_total(replicasets), surge=rollout.limits(deployment).surge
        )
        size = room if spec["strategy"]["type"] != "Recreate" or not _total(replicasets) else 0
        annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k not in _NOT_COPIED}
        replicaset: Object = {
            "metadata": {
                "name": f"{meta['name']}-{suffix}",
                "namespace": meta["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "annotations": annotations | _marks(deployment) | {REVISION: str(revision)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {"replicas": size, "selector": selector, "template": template},
        }
        if spec.get("minReadySeconds"):
            replicaset["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        made = self._store.create(REPLICASETS, replicaset)
        if size:
            self._announce(deployment, made, 0, size)
        return made

    def _raise_revision(self, replicaset: Object, revision: int) -> Object:
        """A ReplicaSet that is current again gets a new revision, and remembers its earlier ones."""
        annotations = replicaset["metadata"].setdefault("annotations", {})
        if earlier := annotations.get(REVISION):
            history = [*filter(None, annotations.get(_HISTORY, "").split(",")), earlier]
            annotations[_HISTORY] = ",".join(history)
        annotations[REVISION] = str(revision)
        return self._store.update(REPLICASETS, replicaset)

    def _show_revision(self, deployment: Object, revision: int) -> None:
        fresh = self._store.get(DEPLOYMENTS, *own_key(deployment)[0])
        annotations = fresh["metadata"].setdefault("annotations", {})
        if annotations.get(REVISION) != str(revision):
            annotations[REVISION] = str(revision)
            self._store.update(DEPLOYMENTS, fresh)

    def _resize(self, deployment: Object, replicaset: Object, size: int) -> None:
        """Set a ReplicaSet's size, with the marks that tell whether the Deployment was resized since."""
        was = replicaset["spec"]["replicas"]
        annotations = replicaset["metadata"].setdefault("annotations", {})
        if size == was and _marks(deployment).items() <= annotations.items():
            return
        annotations.update(_marks(deployment))
        replicaset["spec"]["replicas"] = size
        replicaset["metadata"]["resourceVersion"] = self._store.update(REPLICASETS, replicaset)["metadata"][
            "resourceVersion"
        ]
        if size != was:
            self._announce(deployment, replicaset, was, size)

    def _announce(self, deployment: Object, replicaset: Object, was: int, size: int) -> None:
        verb = "up" if size > was else "down"
        name = replicaset["metadata"]["name"]
        text = f"Scaled {verb} replica set {name} from {was} to {size}"
        self._events.normal(deployment, "ScalingReplicaSet", text)

    # Strategies

    def _rescale(self, deployment: Object, new: Object | None, olds: list[Object]) -> None:
        """Bring the sizes to a changed number of replicas, in proportion while a rollout is under way."""
        wanted = deployment["spec"]["replicas"]
        everything = [*olds, *([new] if new else [])]
        active = [rs for rs in everything if rs["spec"]["replicas"] > 0]
        if len(active) <= 1:
            only = active[0] if active else new
            if only is not None:
                self._resize(deployment, only, wanted)
        else:
            surge = rollout.limits(deployment).surge if wanted else 0
            shares = rollout.proportions([rs["spec"]["replicas"] for rs in active], wanted + surge)
            for replicaset, size in zip(active, shares, strict=True):
                self._resize(deployment, replicaset, size)
        for replicaset in everything:
            if replicaset not in active:
                self._resize(deployment, replicaset, replicaset["spec"]["replicas"])

    def _roll(self, deployment: Object, new: Object, olds: list[Object]) -> None:
        wanted, limits = deployment["spec"]["replicas"], rollout.limits(deployment)
        size = new["spec"]["replicas"]
        if size > wanted:
            self._resize(deployment, new, wanted)
            return
        total = size + _total(olds)
        grown = rollout.new_size(wanted=wanted, new=size, total=total, surge=limits.surge)
        self._resize(deployment, new, grown)
        sizes = rollout.old_sizes(
            [_old(rs) for rs in olds if rs["spec"]["replicas"]],
            wanted=wanted,
            unavailable=limits.unavailable,
            new=grown,
            new_available=(new.get("status") or {}).get("availableReplicas", 0),
        )
        for replicaset in olds:
            if replicaset["metadata"]["name"] in sizes:
                self._resize(deployment, replicaset, sizes[replicaset["metadata"]["name"]])

    def _recreate(self, deployment: Object, new: Object, olds: list[Object]) -> None:
        """First all old pods go, then the new ones come."""
        for replicaset in olds:
            self._resize(deployment, replicaset, 0)
        uids = {rs["metadata"]["uid"] for rs in olds}

        def is_old(pod: Object) -> bool:
            owner = controller_of(pod)
            return owner is not None and owner["uid"] in uids and not is_finished(pod)

        if not self._store.scan(PODS, deployment["metadata"]["namespace"], is_old):
            self._resize(deployment, new, deployment["spec"]["replicas"])

    def _forget(self, deployment: Object, olds: list[Object]) -> None:
        """Delete old ReplicaSets beyond the history that is to be kept."""
        empty = [rs for rs in olds if not rs["spec"]["replicas"] and not (rs.get("status") or {}).get("replicas")]
        surplus = len(empty) - deployment["spec"]["revisionHistoryLimit"]
        for replicaset in empty[: max(surplus, 0)]:
            if not is_terminating(replicaset):
                self._store.delete(REPLICASETS, *own_key(replicaset)[0])

    def _write_status(self, key: Key, new: Object | None) -> float | None:
        deployment = self._store.get(DEPLOYMENTS, *key)
        uid = deployment["metadata"]["uid"]
        everything = self._store.objects(REPLICASETS, key.namespace, lambda rs: is_owned_by(rs, uid))
        if new is not None:
            name = new["metadata"]["name"]
            new = next((rs for rs in everything if rs["metadata"]["name"] == name), None)
        status = status_of(deployment, new, everything)
        deployment["status"] = status
        self._store.update_status(DEPLOYMENTS, deployment)
        return until_deadline(deployment, status)


def _deployment_of(replicaset: Object) -> Iterable[Key]:
    owner = controller_of(replicaset)
    if owner is None or owner["kind"] != "Deployment":
        return ()
    return (Key(replicaset["metadata"]["namespace"], owner["name"]),)


def _revision(replicaset: Object) -> int:
    text = (replicaset["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def _total(replicasets: list[Object]) -> int:
    return sum(rs["spec"]["replicas"] for rs in replicasets)


def _old(replicaset: Object) -> rollout.Old:
    available = (replicaset.get("status") or {}).get("availableReplicas", 0)
    return rollout.Old(replicaset["metadata"]["name"], replicaset["spec"]["replicas"], available)


def _marks(deployment: Object) -> dict[str, str]:
    wanted = deployment["spec"]["replicas"]
    return {_DESIRED: str(wanted), _MAX: str(wanted + rollout.limits(deployment).surge)}


def _was_resized(deployment: Object, replicasets: list[Object]) -> bool:
    """Whether the number of replicas changed since the active ReplicaSets were last sized."""
    wanted = str(deployment["spec"]["replicas"])
    for replicaset in replicasets:
        desired = (replicaset["metadata"].get("annotations") or {}).get(_DESIRED)
        if replicaset["spec"]["replicas"] and desired is not None and desired != wanted:
            return True
    return False
