"""Running a procedure: one at a time on a system, on record before it acts, gone on with where it was cut."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import MusterError, RefusedError, TimeoutExceededError, UsageError
from muster.base.process import run_id
from muster.base.waiting import wait_for
from muster.safety.audit import who
from muster.safety.locks import ProcedureLock
from muster.safety.rights import check_rights
from muster.steps.log import Log
from muster.steps.on_record import ON_RECORD, OnRecord
from muster.steps.outcome import Outcome, StepObserver, StepOutcome
from muster.steps.procedure import Context, Entitled, Procedure, Step
from muster.steps.waiting import Waiting

LOOK_EVERY_S = 0.03
TURN = Step("wait for its turn", lambda: True, str, lambda: True, acts=False)


def run(
    procedure: Procedure, context: Context, *, clock: Clock = SYSTEM_CLOCK, observer: StepObserver | None = None
) -> Outcome:
    """Run a procedure to its end or to its first failing step, writing it to the timeline and the audit log.

    A failing step does not raise; it makes the outcome not ok. `observer` is told of every step. While it runs it holds
    the namespace's Lease of procedures: one that another holds and renews is not run, one whose holder died is waited
    for. Before it first acts the procedure is on record in the namespace, until it has ended well; one of the same name
    and arguments that was begun before is gone on with, and beside another one that was cut it does not run.

    Raises:
        UsageError: an argument that the procedure does not know.
        AuditError, TimelineError: what was done could not be recorded.
    """
    check_arguments(procedure, context)
    log = Log(procedure.name, context, clock)
    outcomes: list[StepOutcome] = []

    def steps(record: OnRecord, turn: ProcedureLock) -> str:
        running = _Running(log, record, turn, clock, observer)
        for step in procedure.steps(replace(context, progress=record.progress)):
            outcomes.append(outcome := running.take(step))
            if outcome.state == "failed":
                return f"step '{step.name}' failed: {outcome.detail}"
        record.ended()
        return ""

    why = execute(procedure, context, log, observer, steps)
    return Outcome(procedure.name, not why, why, tuple(outcomes), log.began_at, clock.now())


def execute(
    procedure: Procedure,
    context: Context,
    log: Log,
    observer: StepObserver | None,
    body: Callable[[OnRecord, ProcedureLock], str],
) -> str:
    """Do something with a procedure's record, being the only one who does: why it did not go well, empty where it did.

    Raises:
        AuditError, TimelineError: it could not be recorded.
    """
    log.began()
    try:
        check_entitled(procedure, context)
        with _turn(procedure.name, context, log, observer) as turn:
            why = body(OnRecord(context.cluster, context.namespace, procedure.name, context.arguments), turn)
    except MusterError as error:  # it was not even its turn, or the procedure could not say its steps
        why = str(error)
    except BaseException as error:
        log.ended(str(error) or type(error).__name__)
        raise
    log.ended(why)
    return why


def check_arguments(procedure: Procedure, context: Context) -> None:
    """Let pass arguments that the procedure knows.

    Raises:
        UsageError: it does not know one.
    """
    if strange := sorted(context.arguments.keys() - procedure.parameters.keys()):
        known = ", ".join(sorted(procedure.parameters)) or "none"
        raise UsageError(f"procedure '{procedure.name}' knows no argument '{strange[0]}' (there are: {known})")


def check_entitled(procedure: Procedure, context: Context) -> None:
    """Let pass whoever may do what the procedure declares: a right that is missing must not show in its last step.

    Raises:
        RefusedError: a right is missing; the message names all that are.
        ClusterError: the API server does not answer.
    """
    if isinstance(procedure, Entitled):
        needed = ON_RECORD.union(procedure.needs(context))
        check_rights(context.cluster, context.namespace, needed, who=f"'{procedure.name}'")


def check_turn(turn: ProcedureLock) -> None:
    """Let pass whoever has its turn still.

    Raises:
        RefusedError: it was taken for dead, and another has gone on.
    """
    if turn.lost:
        raise RefusedError(f"refused: {turn.lost}")


def _turn(procedure: str, context: Context, log: Log, observer: StepObserver | None) -> ProcedureLock:
    def told(what: str) -> None:
        log.waits(TURN, what)
        if observer:
            observer.waits(TURN, what)

    holder = f"{procedure} ({who()} on {socket.gethostname()}, {secrets.token_hex(3)})"
    return ProcedureLock(context.cluster.unobserved(), context.namespace, holder, run=run_id(), told=told)


@dataclass(frozen=True)
class _Running:
    """One execution of a procedure, which takes step after step."""

    log: Log
    record: OnRecord
    turn: ProcedureLock
    clock: Clock
    observer: StepObserver | None

    def take(self, step: Step) -> StepOutcome:
        if self.observer:
            self.observer.began(step)
        outcome = self._take(step)
        if self.observer:
            self.observer.ended(outcome)
        return outcome

    def _take(self, step: Step) -> StepOutcome:
        began = self.clock.now()
        self.log.step(step, "began", "")
        state, detail = "failed", ""
        try:
            if not step.check():
                state, detail = "skipped", "nothing to do"
            else:
                if step.acts:
                    check_turn(self.turn)
                    self.record.acts(step.name)
                state, detail = self._do(step)
        except MusterError as error:
            detail = str(error)
            detail += self._noted(detail, refused=isinstance(error, RefusedError))
        self.log.step(step, state, detail)
        return StepOutcome(step.name, state, detail, began, self.clock.now())

    def _do(self, step: Step) -> tuple[str, str]:
        did = step.do()
        if step.acts:
            self.record.acted(step.name, did)
        wait = Waiting(step.verify, step.waits_for or str, self._telling(step), self.clock)
        latest = wait.latest if step.waits_for else None
        limit_s, reason = step.within_s, "it to take effect"
        try:
            wait_for(wait.look, within=limit_s, every=LOOK_EVERY_S, reason=reason, clock=self.clock, latest=latest)
        except TimeoutExceededError as error:
            why = f"{did}, but {error}"
            return "failed", why + self._noted(why, refused=False)
        return "done", did

    def _telling(self, step: Step) -> Callable[[str], None]:
        def told(what: str) -> None:
            self.log.waits(step, what)
            if self.observer:
                self.observer.waits(step, what)

        return told

    def _noted(self, why: str, *, refused: bool) -> str:
        """Note a failure; what is to be added to its sentence where that cannot be noted."""
        try:
            self.record.failed(why, refused=refused)
        except MusterError as error:
            return f" (and its record cannot be brought up to date: {error})"
        return ""
