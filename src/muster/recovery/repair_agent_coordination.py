"""Agents have no living holder although there are workers: free them, and restart the workers that hang.

What a silent worker holds is freed without waiting for it to expire; the workers that beat take it over. A worker that
is there and silent hangs: it is ended by force, as it would not hear a request to leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from muster.base.errors import ClusterError, RefusedError, TimeoutExceededError, UsageError
from muster.base.waiting import wait_for
from muster.probes.answers.content import parse, unexpected
from muster.probes.answers.instances import ask_instances, ask_once
from muster.probes.http.outcomes import Outcome
from muster.recovery.held_up import held_up
from muster.recovery.needs import RESTART, WORKLOADS
from muster.recovery.seen_by_clients import lasting
from muster.recovery.workloads import find_workload
from muster.safety.rights import Right
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.pods import is_ready

LOOKS = 9
LIMIT_S = 2.0
LOOK_EVERY_S = 0.1
TAKE_OVER_S = 3.0  # how long workers may take to notice that agents are free, in seconds
WHOLE_WITHIN_S = 30.0
Object = dict[str, Any]


OUTLINE = (
    StepOutline("diagnose", "asks whether agents are missing, and which workers are silent", acts=False),
    StepOutline("release agents of silent workers", "frees what they hold, so that others take it over"),
    StepOutline("restart workers that hang", "ends by force the pods of workers that do not answer"),
    StepOutline("release what they held", "frees what is not back yet"),
    StepOutline("restart all workers", "makes all workers anew, where agents are missing still"),
    StepOutline("verify", "all agents are at work", acts=False),
)


class RepairAgentCoordination:
    """Release what silent workers hold, restart those that hang, wait until all agents are at work."""

    name = "repair-agent-coordination"
    summary = "agents are missing although workers are there: free them, restart workers that hang"
    parameters = NO_PARAMETERS

    def needs(self, _context: Context) -> Iterable[Right]:
        return WORKLOADS | RESTART

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE if system.operations.agents is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Repair(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        yield Step(
            "release agents of silent workers", lambda: work.ill, work.release, lambda: True, would=work.would_release
        )
        within = context.system.ready_within_s
        rolled_out, missing = work.workers.is_rolled_out, partial(held_up, work.workers)
        yield Step(
            "restart workers that hang",
            work.some_hang,
            work.end_hanging,
            rolled_out,
            within_s=within,
            waits_for=missing,
            would=lambda: f"pods of {work.workers} that hang, by force",
        )
        yield Step("release what they held", work.is_still_ill, work.release, lambda: True, would=work.would_release)
        yield Step(
            "restart all workers",
            work.is_still_ill,
            work.restart_all,
            rolled_out,
            within_s=within,
            waits_for=missing,
            would=lambda: f"{work.workers}, should agents be missing still",
        )
        yield Step("verify", lambda: work.ill, work.conclude, lambda: True, acts=False)


class _Repair:
    """The procedure's work. `ill` is whether anything was found to be wrong."""

    def __init__(self, context: Context) -> None:
        operations = context.system.operations
        if operations.agents is None or operations.status is None:
            raise UsageError(
                f"system '{context.system.name}' declares no 'operations.agents' with 'operations.status' in its "
                "system.yaml"
            )
        self._context, self._agents, self._status = context, operations.agents, operations.status
        self.workers = find_workload(context.cluster, context.namespace, self._agents.workers)
        self.ill = False
        self._silent = ""  # the service's answer that names whose agents were freed
        self._hanging: list[str] = []

    # -- diagnose

    def is_ill(self) -> bool:
        self._said = lasting(self._trouble)
        self.ill = bool(self._said)
        return self.ill

    def diagnose(self) -> str:
        """Tell what is missing.

        Raises:
            RefusedError: there is nobody who could take agents over.
        """
        if not self.workers.replicas:
            raise RefusedError(f"{self.workers} has no replicas, so nobody is there to take agents over")
        return f"{self._said}; {len(self.workers.ready_pods())} of {self.workers.replicas} workers are ready"

    def _trouble(self) -> str:
        if not self.workers.replicas:
            return "no worker is wanted"
        return self._incomplete() or held_up(self.workers)

    def _incomplete(self) -> str:
        """What an instance says that is not as it is when all agents are there."""
        told = ask_instances(self._context.url, self._status, looks=LOOKS, limit_s=LIMIT_S)
        if not told.documents:
            return f"no instance tells how agents are: {told.first_failure}"
        strange = [text for document in told.documents if (text := unexpected(document, self._agents.whole))]
        return f"{strange[0]}, by {len(strange)} of {len(told.documents)} answers" if strange else ""

    # -- release

    def release(self) -> str:
        """Have the agents of silent workers freed.

        Raises:
            ClusterError: the service does not do it.
        """
        request = self._agents.release
        answer = ask_once(self._context.url, request, limit_s=LIMIT_S)
        if answer.outcome is not Outcome.OK:
            raise ClusterError(f"{request.method} {request.path}: {answer.outcome}: {answer.why}")
        self._context.changed(f"Service/{self._context.system.service.name}")
        self._silent = answer.body.decode(errors="replace")
        freed = [value for value in (parse(answer.body) or {}).values() if isinstance(value, list)]
        return f"{request.method} {request.path}: {sum(map(len, freed))} released"

    def would_release(self) -> str:
        """What `release` would do."""
        return f"{self._agents.release.method} {self._agents.release.path} of the service"

    # -- restart

    def some_hang(self) -> bool:
        """Whether any worker hangs. One that was just silent for long is given the time to be taken over from."""
        if not self.ill:
            return False
        self._is_whole_soon()
        self._hanging = [pod["metadata"]["name"] for pod in self.workers.pods() if self._hangs(pod)]
        return bool(self._hanging)

    def _hangs(self, pod: Object) -> bool:
        if "deletionTimestamp" in pod["metadata"]:
            return False
        return f'"{pod["metadata"]["name"]}"' in self._silent or was_ready(pod)

    def end_hanging(self) -> str:
        for name in self._hanging:
            self._context.cluster.delete("Pod", name, self._context.namespace, grace_s=0)
        return f"ended by force: {', '.join(self._hanging)}"

    def is_still_ill(self) -> bool:
        return self.ill and not self._is_whole_soon()

    def restart_all(self) -> str:
        """The workers are ready, beat, and yet do not take the agents over."""
        self.workers.restart(self._context.progress)
        return f"{self.workers} restarted"

    def _is_whole_soon(self) -> bool:
        try:
            return wait_for(lambda: not self._incomplete(), within=TAKE_OVER_S, every=LOOK_EVERY_S, reason="agents")
        except TimeoutExceededError:
            return False

    # -- verify

    def conclude(self) -> str:
        """Say that all is well, once it is.

        Raises:
            TimeoutExceededError: it does not get well; the message tells what is missing.
        """
        wait_for(
            lambda: not self._trouble(),
            within=WHOLE_WITHIN_S,
            every=LOOK_EVERY_S,
            reason="all agents to be at work",
            latest=self._trouble,
        )
        return f"all agents are at work, held by {len(self.workers.ready_pods())} workers"


def was_ready(pod: Object) -> bool:
    """Whether a pod is not ready and was so before in its container's present life: it is not just starting."""
    if is_ready(pod):
        return False
    status = pod.get("status", {})
    turned = [c.get("lastTransitionTime") or "" for c in status.get("conditions", []) if c["type"] == "Ready"]
    states = [container.get("state") or {} for container in status.get("containerStatuses", [])]
    started = [state["running"].get("startedAt") or "" for state in states if "running" in state]
    # Kubernetes' times are all written alike, so that they compare as text.
    return bool(turned and started) and turned[0] > max(started)
