"""Running a procedure: one at a time on a system, on record before it acts, gone on with where it was cut."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import replace

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import MusterError, UsageError
from muster.base.process import run_id
from muster.safety.audit import who
from muster.safety.locks import ProcedureLock
from muster.safety.rights import check_rights
from muster.steps.log import Log
from muster.steps.on_record import ON_RECORD, OnRecord
from muster.steps.outcome import Outcome, StepObserver, StepOutcome
from muster.steps.procedure import Context, Entitled, Procedure, Step
from muster.steps.running import Running

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
        running = Running(log, record, turn, clock, observer)
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


def _turn(procedure: str, context: Context, log: Log, observer: StepObserver | None) -> ProcedureLock:
    def told(what: str) -> None:
        log.waits(TURN, what)
        if observer:
            observer.waits(TURN, what)

    holder = f"{procedure} ({who()} on {socket.gethostname()}, {secrets.token_hex(3)})"
    return ProcedureLock(context.cluster.unobserved(), context.namespace, holder, run=run_id(), told=told)
