"""Workflows hang in a phase: resume each from its last durable phase, with workers that do work.

Resuming is harmless, and enough where only a claim was lost. Where nothing that was resumed gets on, those who should
do it hang: the workers are made anew, all at once, for there is nothing that they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from muster.base.errors import TimeoutExceededError, UsageError
from muster.base.waiting import wait_for
from muster.recovery.held_up import held_up
from muster.recovery.needs import WORKLOADS
from muster.recovery.workflows import StuckWork, name_some
from muster.recovery.workloads import Workload, find_workload
from muster.safety.rights import Right, rights
from muster.steps import Context, Step, StepOutline
from muster.system import SystemDefinition

# So many show whether the workers work.
TRIED = 8
PROGRESS_WITHIN_S = 1.5
LOOK_EVERY_S = 0.1
# Beyond a pod's own grace: what its node needs to end it and to say so.
GRACE_MARGIN_S = 5.0
UP_WITHIN_S = 60.0
DONE_WITHIN_S = 60.0


OUTLINE = (
    StepOutline("diagnose", "asks the service what is stuck in a phase", acts=False),
    StepOutline("resume the first", "resumes a few, from their last durable phase"),
    StepOutline("look for progress", "sees whether any of them gets on: if so, the workers are well", acts=False),
    StepOutline("restart the workers", "makes the workers' pods anew, where nothing gets on"),
    StepOutline("end what is left of them", "ends by force those that do not go in their time"),
    StepOutline("workers at work", "waits until the new workers are ready", acts=False),
    StepOutline("resume until nothing is stuck", "resumes all else that is stuck"),
)


class ResetWorkflows:
    """Find what is stuck, resume it, and restart the workers if it does not get on."""

    name = "reset-workflow-state"
    summary = "workflows hang in a phase: resume them from their last durable phase, restart workers that hang"
    parameters: Mapping[str, str] = {"restart": "yes: restart the workers even where resuming is enough"}

    def needs(self, _context: Context) -> Iterable[Right]:
        return WORKLOADS | rights("delete", "Pod")

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE if system.operations.workflows is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Reset(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        yield Step("resume the first", lambda: bool(work.found), work.resume, lambda: True, would=work.would_resume)
        yield Step("look for progress", lambda: bool(work.found), work.look, lambda: True, within_s=5, acts=False)
        yield Step("restart the workers", lambda: work.hang, work.restart, lambda: True, would=work.would_restart)
        yield Step(
            "end what is left of them",
            work.is_left,
            work.end,
            lambda: not work.is_left(),
            waits_for=work.left,
            would=lambda: "pods that do not go by themselves, by force",
        )
        yield Step("workers at work", lambda: work.hang, work.wait_up, work.is_up, acts=False)
        yield Step(
            "resume until nothing is stuck",
            lambda: bool(work.found),
            work.clear,
            work.is_clear,
            would=lambda: "every workflow that is stuck by then",
        )


class _Reset:
    """The procedure's work. `found` are the ids that were stuck, `hang` whether those resumed did not get on."""

    def __init__(self, context: Context) -> None:
        self._forced = _yes(context.arguments.get("restart", ""))
        self._stuck = StuckWork(context)
        self._workers: Workload = find_workload(context.cluster, context.namespace, self._stuck.spec.workers)
        self.found: list[str] = []
        self.hang = False
        self._tried: list[str] = []
        self._progress = context.progress
        # Uids of the workers' pods before the restart.
        self._old: set[str] = set() if context.progress.failed else set(context.progress.get("old", []))

    # -- find

    def is_ill(self) -> bool:
        self.found = self._stuck.stuck()
        return bool(self.found)

    def diagnose(self) -> str:
        return f"stuck are {name_some(self.found)}"

    # -- resume

    def resume(self) -> str:
        """Resume a few. What is refused is tried again at the end, when the workers work."""
        self._tried = self.found[:TRIED]
        resumed = self._stuck.resume(self._tried)
        failed = [f"{identity} not: {why}" for identity, why in resumed.failed.items()]
        return "; ".join([f"resumed {name_some(resumed.done)}", *failed[:1]])

    def would_resume(self) -> str:
        """What `resume` would do."""
        return f"resume {name_some(self.found[:TRIED])} through the service"

    def would_restart(self) -> str:
        """What `restart` would do, where it is needed."""
        when = "" if self._forced else f", should nothing get on within {PROGRESS_WITHIN_S:g} s"
        return f"{len(self._workers.pods())} pods of {self._workers} made anew{when}"

    def clear(self) -> str:
        """See to it that nothing is stuck any more.

        Raises:
            RefusedError: something cannot be resumed.
            TimeoutExceededError: something stays stuck; the message names it.
        """
        again = self._stuck.clear(DONE_WITHIN_S)
        return f"resumed {name_some(again)}, nothing is stuck" if again else "all goes on, nothing is stuck"

    def is_clear(self) -> bool:
        return not self._stuck.stuck()

    # -- the workers

    def look(self) -> str:
        """Tell whether anything that was resumed gets on, and so whether the workers work."""
        got_on = _wait(self._got_on, PROGRESS_WITHIN_S)
        self.hang = self._forced or not got_on
        if not got_on:
            return f"nothing got on within {PROGRESS_WITHIN_S:g} s of being resumed: the workers hang"
        return "work gets on" + (", the workers are restarted all the same" if self._forced else "")

    def _got_on(self) -> bool:
        return bool(set(self._tried) - set(self._stuck.stuck()))

    def restart(self) -> str:
        """Delete all workers' pods with their own grace, so that they give back what they hold."""
        there = self._workers.pods()
        self._old = set(self._progress.once("old", lambda: [pod["metadata"]["uid"] for pod in there]))
        pods = [pod for pod in there if pod["metadata"]["uid"] in self._old]  # no others, if it was cut meanwhile
        for pod in pods:
            self._workers.cluster.delete("Pod", pod["metadata"]["name"], self._workers.namespace)
        grace = max((pod["spec"].get("terminationGracePeriodSeconds", 30) for pod in pods), default=0)
        _wait(lambda: not self.is_left(), grace + GRACE_MARGIN_S)
        return f"{len(pods)} pods of {self._workers} made anew"

    def is_left(self) -> bool:
        return bool(self._left())

    def end(self) -> str:
        """End without grace what did not go by itself."""
        left = self._left()
        for name in left:
            self._workers.cluster.delete("Pod", name, self._workers.namespace, grace_s=0)
        return f"{', '.join(left)} did not go, ended by force"

    def left(self) -> str:
        """Which of the workers before the restart are there still."""
        return f"still ending: {', '.join(self._left())}"

    def _left(self) -> list[str]:
        if not self._old:
            return []
        return [pod["metadata"]["name"] for pod in self._workers.pods() if pod["metadata"]["uid"] in self._old]

    def wait_up(self) -> str:
        """Wait for the new workers.

        Raises:
            TimeoutExceededError: they do not get ready; the message says what is missing.
        """
        wait_for(self.is_up, within=UP_WITHIN_S, every=LOOK_EVERY_S, reason=str(self._workers), latest=self._missing)
        return f"{self._workers} is up to date and ready"

    def is_up(self) -> bool:
        return self._workers.is_rolled_out()

    def _missing(self) -> str:
        return held_up(self._workers) or "nothing"


def _wait(look: Callable[[], bool], within: float) -> bool:
    """Whether it came to be within so many seconds."""
    try:
        return wait_for(look, within=within, every=LOOK_EVERY_S, reason="it")
    except TimeoutExceededError:
        return False


def _yes(said: str) -> bool:
    if said not in {"", "yes", "no"}:
        raise UsageError(f"argument restart is '{said}', must be yes or no")
    return said == "yes"
