"""Taking back what a procedure did that was cut or has failed: the last step first, of those that can be taken back."""

from __future__ import annotations

from dataclasses import replace

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import MusterError, UsageError
from muster.safety.locks import ProcedureLock
from muster.steps.engine import check_arguments, execute
from muster.steps.log import Log
from muster.steps.on_record import TAKING_BACK, OnRecord
from muster.steps.outcome import Outcome, StepObserver, StepOutcome
from muster.steps.procedure import Context, Procedure, Step
from muster.steps.running import check_turn


def take_back(
    procedure: Procedure, context: Context, *, clock: Clock = SYSTEM_CLOCK, observer: StepObserver | None = None
) -> Outcome:
    """Take back what a procedure on record did, by what it kept, and take it off record.

    A step that was done and has no way back is told as skipped. A failure does not raise; it makes the outcome not ok,
    and the procedure stays on record. Nothing is taken back of one that is not on record with these arguments.

    Raises:
        UsageError: an argument that the procedure does not know.
        AuditError, TimelineError: what was done could not be recorded.
    """
    check_arguments(procedure, context)
    log = Log(procedure.name, context, clock, act="take back recovery")
    outcomes: list[StepOutcome] = []

    def steps(record: OnRecord, turn: ProcedureLock) -> str:
        if not record.progress.resumed:
            raise UsageError(
                f"procedure '{procedure.name}' is not on record with these arguments, so nothing is taken back"
            )
        known = {step.name: step for step in procedure.steps(replace(context, progress=record.progress))}
        begun = record.begun
        record.acts(TAKING_BACK)
        for name in reversed(begun):
            check_turn(turn)
            step = known.get(name, Step(name, lambda: False, str, lambda: True))
            outcomes.append(outcome := _take_back(step, clock))
            log.step(step, outcome.state, outcome.detail)
            if observer:
                observer.ended(outcome)
            if outcome.state == "failed":
                record.failed(outcome.detail, refused=False)
                return f"step '{name}' cannot be taken back: {outcome.detail}"
        record.ended()
        return ""

    why = execute(procedure, context, log, observer, steps)
    return Outcome(procedure.name, not why, why, tuple(outcomes), log.began_at, clock.now())


def _take_back(step: Step, clock: Clock) -> StepOutcome:
    began = clock.now()
    try:
        state, detail = ("done", step.undo()) if step.undo else ("skipped", "has no way back")
    except MusterError as error:
        state, detail = "failed", str(error)
    return StepOutcome(step.name, state, detail, began, clock.now())
