"""The stages in which a system starts, as system.yaml orders them: what is missing of one, starting it, what holds it.

A stage's workloads are to have the replicas of their manifests, or more where somebody gave them more. What else a
stage must do before the next begins is told by what is in it: the databases replicate, what serves clients answers,
agents are all there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from muster.base.errors import ClusterError, UsageError
from muster.probes.answers.content import unexpected
from muster.probes.answers.instances import ask_instances
from muster.probes.answers.reading import read_once
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.one_write import write_once
from muster.recovery.held_up import held_up
from muster.recovery.workloads import Workload
from muster.steps import Context
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests, workload_names
from muster.system.names import replicas
from muster.system.operations import Stage
from muster.system.pods import STUCK

LIMIT_S = 2.0
LOOKS = 6  # what all are asked for is the same for all


def stages_of(system: SystemDefinition, manifests: list[dict[str, Any]]) -> list[Stage]:
    """The stages in which a system is started: those of its system.yaml, else what keeps state before what serves."""
    if system.operations.stages:
        return system.operations.stages
    of: dict[str, list[str]] = {"StatefulSet": [], "Deployment": []}
    for kind, name in workload_names(manifests):
        of.setdefault(kind, []).append(name)
    names = {"StatefulSet": "what keeps state", "Deployment": "what serves"}
    return [Stage(name=named, workloads=of[kind]) for kind, named in names.items() if of[kind]]


class Plan:
    """The manifests' word on the system's workloads.

    Where system.yaml orders no stages, what keeps state (StatefulSets) starts first, and then all else.

    Raises:
        UsageError: there is no workload, or system.yaml names one that the manifests do not have.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._manifests = read_manifests(context.system.manifest_directory)
        self._kinds = {name: kind for kind, name in workload_names(self._manifests)}
        self.stages: list[Stage] = stages_of(context.system, self._manifests)
        if not self.stages:
            raise UsageError(f"system '{context.system.name}' has no workload in its manifests that could be started")
        for stage in self.stages:
            if strange := sorted(set(stage.workloads) - self._kinds.keys()):
                raise UsageError(
                    f"stage '{stage.name}' of system '{context.system.name}' names workload '{strange[0]}', which its "
                    f"manifests do not have (there are: {', '.join(sorted(self._kinds))})"
                )

    def workload(self, name: str) -> Workload:
        return Workload(self._context.cluster, self._context.namespace, self._kinds[name], name)

    def wanted(self, name: str) -> int:
        """How many replicas its manifest gives a workload."""
        own = next(item for item in self._manifests if (item["kind"], item["metadata"]["name"]) == self._key(name))
        return replicas(own)

    def serving(self) -> set[str]:
        """The workloads whose pods the system's service leads to."""
        service = self._context.system.service.name
        found = [item for item in self._manifests if (item["kind"], item["metadata"]["name"]) == ("Service", service)]
        selector = (found[0]["spec"].get("selector") or {}) if found else {}
        return {name for name in self._kinds if selector and selector.items() <= self._pod_labels(name).items()}

    def _pod_labels(self, name: str) -> dict[str, str]:
        own = next(item for item in self._manifests if (item["kind"], item["metadata"]["name"]) == self._key(name))
        return dict(own["spec"]["template"]["metadata"].get("labels") or {})

    def _key(self, name: str) -> tuple[str, str]:
        return self._kinds[name], name


class Group:
    """Workloads that are started side by side."""

    def __init__(self, plan: Plan, names: Iterable[str]) -> None:
        self.members = [(plan.workload(name), plan.wanted(name)) for name in names]

    def __str__(self) -> str:
        return ", ".join(str(workload) for workload, _ in self.members)

    def missing(self) -> str:
        """What is missing until all have the replicas of their manifests and these are ready; empty if nothing is."""
        return self.unasked() or "; ".join(text for workload, _ in self.members if (text := workload.unready()))

    def unasked(self) -> str:
        """Which of them are asked for fewer replicas than their manifests do; empty if none is."""
        return "; ".join(
            f"{workload}: {present} of {wanted} replicas wanted" for workload, present, wanted in self._fewer()
        )

    def start(self) -> str:
        """Give each the replicas of its manifest, without waiting for them.

        Pods that wait after crashes are made anew: what they lacked may be there now.
        """
        done = []
        for workload, wanted in self.members:
            if (present := workload.replicas) < wanted:
                workload.scale(wanted)
                done.append(f"{workload} {present} -> {wanted}")
            for pod in sorted({trouble.pod for trouble in workload.troubles() if trouble.reason in STUCK}):
                workload.cluster.delete("Pod", pod, workload.namespace)
                done.append(f"pod {pod} made anew")
        return ", ".join(done) or f"{self} left to come up"

    def would(self) -> str:
        """What starting it would do."""
        done = [f"{workload} {present} -> {wanted}" for workload, present, wanted in self._fewer()]
        stuck = {t.pod for workload, _ in self.members for t in workload.troubles() if t.reason in STUCK}
        return ", ".join([*done, *(f"pod {pod} made anew" for pod in sorted(stuck))])

    def _fewer(self) -> list[tuple[Workload, int, int]]:
        return [(w, present, wanted) for w, wanted in self.members if (present := w.replicas) < wanted]

    def held_up(self) -> str:
        """What keeps it from coming up, in one phrase: a pod's trouble or what is missing, and a log's last line."""
        for workload, _ in self.members:
            if troubles := workload.troubles():
                return f"{troubles[0]}{_said(workload, troubles[0].pod)}"
        for workload, _ in self.members:
            if text := held_up(workload):
                unready = [p for p in workload.pods() if p not in workload.ready_pods()]
                return text + (_said(workload, unready[0]["metadata"]["name"]) if unready else "")
        return self.unasked() or "all of its pods are ready"


def _said(workload: Workload, pod: str) -> str:
    """The last line that a pod's container wrote; the one before it, where it writes nothing yet."""
    for previous in (False, True):
        try:
            lines = workload.cluster.logs(pod, workload.namespace, previous=previous, tail=1).strip().splitlines()
        except ClusterError:
            continue
        if lines:
            return f"; its log ends: {lines[-1][:200]}"
    return ""


class Service:
    """What clients of the system see, asked as one of them. Each method returns what is wrong, empty if nothing is."""

    def __init__(self, context: Context) -> None:
        self._context, self._system = context, context.system

    def unread(self) -> str:
        """Whether the service answers rightly to a read."""
        answer = read_once(self._context.url, self._system.read)
        path = self._system.read.request.path
        return "" if answer.outcome is Outcome.OK else f"{path}: {answer.outcome}: {answer.why}"

    def unwritten(self) -> str:
        """Whether a write is acknowledged, and found when it is read back; not tried while a plan is made."""
        if self._system.ledger is None or self._context.only_looks:
            return ""
        answer = write_once(self._context.url, self._system)
        return "" if answer.outcome is Outcome.OK else f"{answer.outcome}: {answer.why}"

    def incomplete(self) -> str:
        """Whether each instance says that the agents are all there."""
        operations = self._system.operations
        if operations.agents is None or operations.status is None:
            return ""
        told = ask_instances(self._context.url, operations.status, looks=LOOKS, limit_s=LIMIT_S)
        strange = [text for document in told.documents if (text := unexpected(document, operations.agents.whole))]
        return strange[0] if strange else "" if told.documents else f"no instance answers: {told.first_failure}"
