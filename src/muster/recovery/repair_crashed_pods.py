"""Pods crash or cannot start: find what was changed, take that change back, and see that they run.

Where the newest revision of a Deployment crashes and an older one ran, the change between the two is the cause: the
Deployment's pod template is set back to the older revision's, as `kubectl rollout undo` does it. Pods that crash
without any such change are deleted, so that they are made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import RefusedError
from muster.kube import ApiError
from muster.kube.client import JSON_PATCH
from muster.recovery.held_up import held_up
from muster.recovery.templates import changes, without_bookkeeping
from muster.recovery.workloads import Workload
from muster.safety.rights import Right, rights
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.pods import STUCK, Trouble, controller_of, has_crashed, is_ready, troubles

SECOND_LOOK_S = 2.0
BETWEEN_LOOKS_S = 0.2
REVISION = "deployment.kubernetes.io/revision"
Object = dict[str, Any]


OUTLINE = (
    StepOutline("diagnose", "finds what the revision that crashes changed against the newest one that ran", acts=False),
    StepOutline("revert the change", "sets the Deployment back to the revision that ran", undo=True),
    StepOutline("re-create pods", "deletes pods that crash for no change, so that they are made anew"),
    StepOutline("verify", "no pod crashes, and those repaired are ready", acts=False),
)


class RepairCrashedPods:
    """Find the bad change, revert it, re-create what crashes without one."""

    name = "repair-crashed-pods"
    summary = "pods crash or cannot start: find the change that broke them and take it back"
    parameters = NO_PARAMETERS

    def needs(self, _context: Context) -> Iterable[Right]:
        return rights("get patch", "Deployment") | rights("get list delete", "Pod") | rights("list", "ReplicaSet")

    def outline(self, _system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Repair(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        yield Step(
            "revert the change",
            lambda: bool(work.bad),
            work.revert,
            work.is_reverted,
            within_s=30,
            waits_for=work.missing,
            would=work.would_revert,
            undo=work.undo_revert,
        )
        yield Step(
            "re-create pods",
            lambda: bool(work.pods),
            work.recreate,
            work.are_recreated,
            within_s=30,
            waits_for=work.present,
            would=lambda: f"delete {', '.join(work.pods)}" if work.pods else "",
        )
        yield Step("verify", work.was_ill, work.conclude, work.is_well, within_s=60, acts=False, waits_for=work.missing)


@dataclass(frozen=True)
class BadChange:
    """A Deployment whose newest revision crashes, and the older one to go back to."""

    deployment: str
    revision: int
    template: Object
    what: list[str]
    replica_set: str  # of the revision that crashes

    def __str__(self) -> str:
        return f"Deployment {self.deployment}: {'; '.join(self.what)}"


class _Repair:
    """The procedure's work: what is to be repaired is known once diagnosed."""

    def __init__(self, context: Context) -> None:
        self.cluster = context.cluster
        self.namespace = context.namespace
        self.bad: list[BadChange] = []
        self.pods: dict[str, str] = {}  # to be made anew: name to uid
        self._controllers: set[str] = set()  # uids of what makes them
        self._beyond: list[str] = []  # what only a person can repair, a phrase each
        self._seen: list[tuple[Object, Trouble]] = []
        self._progress = context.progress

    # -- diagnose

    def is_ill(self) -> bool:
        self._seen = self._crashing()
        return bool(self._seen)

    def diagnose(self) -> str:
        """Find a cause for each pod that crashes."""
        replica_sets = self.cluster.list("ReplicaSet", self.namespace)
        for pod, trouble in self._seen:
            own = _owner(pod, replica_sets)
            change = find_change(own, replica_sets) if own else None
            if change is None:
                self._take_up(pod, trouble)
            elif change.deployment not in {known.deployment for known in self.bad}:
                self.bad.append(change)
        said = [str(change) for change in self.bad]
        said += [f"pod {name} crashes without a change" for name in self.pods] + self._beyond
        return f"{self._seen[0][1]}; " + ("; ".join(said) or "it may be coming back by itself")

    def _take_up(self, pod: Object, trouble: Trouble) -> None:
        """See what can be done for a pod that crashes for no change."""
        controller = controller_of(pod)
        stuck = trouble if trouble.reason in STUCK else self._wait_whether_stuck(pod)
        if stuck is None:
            return  # it was between two states, on its way up
        if controller is None:
            self._beyond.append(f"{stuck}: no controller would make it again, repair it by hand")
        else:
            self.pods[pod["metadata"]["name"]] = pod["metadata"]["uid"]
            self._controllers.add(controller["uid"])

    def _wait_whether_stuck(self, pod: Object) -> Trouble | None:
        """What holds back a pod that has just crashed, if it does not come up by itself."""
        deadline = SYSTEM_CLOCK.now() + SECOND_LOOK_S
        while True:
            found = self.cluster.find("Pod", pod["metadata"]["name"], self.namespace)
            stuck = next((t for t in troubles(found or {"metadata": pod["metadata"]}) if t.reason in STUCK), None)
            if stuck or found is None or SYSTEM_CLOCK.now() >= deadline:
                return stuck
            SYSTEM_CLOCK.sleep(BETWEEN_LOOKS_S)

    def _crashing(self) -> list[tuple[Object, Trouble]]:
        """The pods that crash. One that has crashed and looks well is looked at again: a container without a readiness
        probe counts as ready for the moment that it takes to crash the next time."""
        deadline = SYSTEM_CLOCK.now() + SECOND_LOOK_S
        while True:
            pods = [p for p in self.cluster.list("Pod", self.namespace) if "deletionTimestamp" not in p["metadata"]]
            found = [(pod, trouble) for pod in pods for trouble in troubles(pod)]
            known = {pod["metadata"]["uid"] for pod, _ in found}
            doubtful = [p for p in pods if has_crashed(p) and p["metadata"]["uid"] not in known]
            if not doubtful or SYSTEM_CLOCK.now() >= deadline:
                return found
            SYSTEM_CLOCK.sleep(BETWEEN_LOOKS_S)

    # -- revert

    def revert(self) -> str:
        """Set each Deployment's template back.

        Raises:
            RefusedError: somebody rolls out something else at this moment.
        """
        known = dict(self._progress.get("reverted", {}))
        self._progress.keep(reverted={**known, **{change.deployment: change.replica_set for change in self.bad}})
        return "; ".join(self._revert(change) for change in self.bad)

    def would_revert(self) -> str:
        """What `revert` would do."""
        return "; ".join(f"Deployment {change.deployment} back to revision {change.revision}" for change in self.bad)

    def undo_revert(self) -> str:
        """Give each Deployment that was set back the template again that it had."""
        said = []
        for name, replica_set in self._progress.get("reverted", {}).items():
            template = self.cluster.get("ReplicaSet", replica_set, self.namespace)["spec"]["template"]
            patch = [{"op": "replace", "path": "/spec/template", "value": without_bookkeeping(template)}]
            self.cluster.patch("Deployment", name, self.namespace, patch, content_type=JSON_PATCH)
            said.append(f"Deployment {name} has the pod template of {replica_set} again")
        return "; ".join(said) or "nothing had been set back"

    def _revert(self, change: BadChange) -> str:
        found = self.cluster.get("Deployment", change.deployment, self.namespace)
        patch = [
            # Not over a change that came in after the diagnosis.
            {"op": "test", "path": "/metadata/generation", "value": found["metadata"]["generation"]},
            {"op": "replace", "path": "/spec/template", "value": change.template},
        ]
        try:
            self.cluster.patch("Deployment", change.deployment, self.namespace, patch, content_type=JSON_PATCH)
        except ApiError as error:
            if error.code not in {409, 422}:
                raise
            raise RefusedError(
                f"Deployment {change.deployment} was changed by another at this moment: {error}"
            ) from error
        return f"Deployment {change.deployment} set back to revision {change.revision}"

    def is_reverted(self) -> bool:
        return all(map(self._is_rolled_out, self._set_back()))

    def _set_back(self) -> list[str]:
        """The Deployments that were set back, by this execution or by one that it goes on with."""
        return sorted({*(change.deployment for change in self.bad), *self._progress.get("reverted", {})})

    def _is_rolled_out(self, name: str) -> bool:
        found = self.cluster.get("Deployment", name, self.namespace)
        want, status = found["spec"].get("replicas", 1), found.get("status", {})
        if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
            return False
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        return counts == [want] * 3

    def missing(self) -> str:
        """What keeps what was repaired from being well."""
        deployments = [Workload(self.cluster, self.namespace, "Deployment", name) for name in self._set_back()]
        for deployment in deployments:
            if said := held_up(deployment):
                return said
        crashing = [str(trouble) for _, trouble in self._crashing()]
        return crashing[0] if crashing else "a pod that was made anew is not ready yet"

    # -- re-create

    def recreate(self) -> str:
        for name in self.pods:
            self.cluster.delete("Pod", name, self.namespace)
        return f"deleted {', '.join(self.pods)}"

    def are_recreated(self) -> bool:
        return not self._present()

    def present(self) -> str:
        """Which of those that were deleted are there still."""
        return f"still ending: {', '.join(self._present())}"

    def _present(self) -> list[str]:
        pods = self.cluster.list("Pod", self.namespace)
        return [pod["metadata"]["name"] for pod in pods if pod["metadata"]["uid"] in self.pods.values()]

    # -- verify

    def was_ill(self) -> bool:
        return bool(self._seen) or self._progress.resumed

    def conclude(self) -> str:
        """Say that all is well, once it is.

        Raises:
            RefusedError: something crashes that only a person can repair.
        """
        if self._beyond:
            raise RefusedError("; ".join(self._beyond))
        return "no pod crashes, and those repaired are ready"

    def is_well(self) -> bool:
        if self._crashing() or not self.is_reverted():
            return False
        pods = self.cluster.list("Pod", self.namespace)
        return all(is_ready(pod) for pod in pods if (controller_of(pod) or {}).get("uid") in self._controllers)


def find_change(own: Object, replica_sets: list[Object]) -> BadChange | None:
    """What a crashing ReplicaSet changed against the newest revision that runs; None where that explains nothing.

    Where no older revision runs at the moment, the one that has replicas, else simply the one before it, is taken.
    """
    deployment = controller_of(own)
    if deployment is None:
        return None
    siblings = [rs for rs in replica_sets if (controller_of(rs) or {}).get("uid") == deployment["uid"]]
    if _revision(own) != max(_revision(rs) for rs in siblings):
        return None
    older = [rs for rs in siblings if _revision(rs) < _revision(own)]
    best = max(older, default=None, key=lambda rs: (_ready(rs) > 0, rs["spec"].get("replicas", 0) > 0, _revision(rs)))
    if best is None:
        return None
    what = changes(best["spec"]["template"], own["spec"]["template"])
    if not what:
        return None
    template, name = without_bookkeeping(best["spec"]["template"]), own["metadata"]["name"]
    return BadChange(deployment["name"], _revision(best), template, what, name)


def _owner(pod: Object, replica_sets: list[Object]) -> Object | None:
    reference = controller_of(pod)
    return next((rs for rs in replica_sets if reference and rs["metadata"]["uid"] == reference["uid"]), None)


def _revision(replica_set: Object) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, 0))


def _ready(replica_set: Object) -> int:
    return int(replica_set.get("status", {}).get("readyReplicas", 0))
