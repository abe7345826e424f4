"""What a recovery procedure is, and running one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import MusterError, RefusedError, TimeoutExceededError, UsageError
from muster.base.timeline import Timeline
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery.on_record import OnRecord
from muster.recovery.waiting import Waiting
from muster.safety import AuditLog
from muster.safety.rights import Right, check_rights, rights
from muster.system import SystemDefinition

LOOK_EVERY_S = 0.03
# What being on record takes of any procedure, whatever else it does.
ON_RECORD = rights("list get create update delete", "ConfigMap")
NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Context:
    """What a procedure works on; `timeline` is None where no drill looks on, `url` where clients reach the system,
    `told` gets each line that a command of the operator's own writes."""

    cluster: Cluster
    system: SystemDefinition
    namespace: str
    timeline: Timeline | None
    audit: AuditLog
    url: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    told: Callable[[str], None] | None = None

    def changed(self, what: str, verb: str = "ask") -> None:
        """Tell of a change that was not made through `cluster`: a request to the service itself, a command elsewhere.

        `what` is the object, as `Kind/name`. A drill believes that a procedure brought service back only where
        something that came back relies on what the procedure changed.
        """
        if self.timeline:
            self.timeline.append("recovery.change", verb=verb, object=what, fields=[], replicas=None)


@dataclass(frozen=True)
class Step:
    """One step. Any of the three functions may raise a MusterError, which stops the procedure with its sentence."""

    name: str
    check: Callable[[], bool]  # whether there is anything to do; where not, the step is skipped
    do: Callable[[], str]  # does it, and says in one line what it did
    verify: Callable[[], bool]  # whether it took effect
    within_s: float = 10.0  # by when it must have
    acts: bool = True  # False for a step that only looks
    # What `verify` still waits for, one phrase; said while it is waited for, and where that is in vain.
    waits_for: Callable[[], str] | None = None


class Procedure(Protocol):
    """An operator's answer to one kind of emergency. Running it on a healthy system does nothing."""

    name: str
    summary: str  # one line for people who choose
    parameters: Mapping[str, str]  # what it may be told beside its name: each with a line for people

    def steps(self, context: Context, /) -> Iterable[Step]:
        """The steps in their order; later ones may depend on what earlier ones found."""


@runtime_checkable
class Entitled(Protocol):
    """A procedure that declares which rights it needs; of one that does not, what is missing shows when it is used."""

    def needs(self, context: Context, /) -> Iterable[Right]:
        """What it may have to do in the context's namespace."""


@dataclass(frozen=True)
class StepOutcome:
    """How a step ended: `state` is skipped, done or failed; times are CLOCK_MONOTONIC seconds."""

    name: str
    state: str
    detail: str
    began: float
    ended: float


@dataclass(frozen=True)
class Outcome:
    """How a procedure ended; `why` is the failing step's sentence, empty where all went well."""

    procedure: str
    ok: bool
    why: str
    steps: tuple[StepOutcome, ...]
    began: float
    ended: float


class StepObserver(Protocol):
    """Who is told of each step while the procedure runs."""

    def began(self, step: Step, /) -> None: ...

    def waits(self, step: Step, what: str, /) -> None: ...

    def ended(self, outcome: StepOutcome, /) -> None: ...


def run(
    procedure: Procedure, context: Context, *, clock: Clock = SYSTEM_CLOCK, observer: StepObserver | None = None
) -> Outcome:
    """Run a procedure to its end or to its first failing step, writing it to the timeline and the audit log.

    A failing step does not raise; it makes the outcome not ok. `observer` is told of every step. Before it first acts
    the procedure is on record in the namespace, until it has ended well; one of the same name that was begun before is
    ended by it, and beside another one that was cut it does not run.

    Raises:
        UsageError: an argument that the procedure does not know.
        AuditError, TimelineError: what was done could not be recorded.
    """
    if strange := sorted(context.arguments.keys() - procedure.parameters.keys()):
        known = ", ".join(sorted(procedure.parameters)) or "none"
        raise UsageError(f"procedure '{procedure.name}' knows no argument '{strange[0]}' (there are: {known})")
    log = _Log(procedure.name, context, clock)
    log.began()
    outcomes: list[StepOutcome] = []
    why = ""
    try:
        if isinstance(procedure, Entitled):  # before the first step: a right that is missing must not show in the last
            needed = ON_RECORD.union(procedure.needs(context))
            check_rights(context.cluster, context.namespace, needed, who=f"'{procedure.name}'")
        record = OnRecord(context.cluster, context.namespace, procedure.name, context.arguments)
        for step in procedure.steps(context):
            if observer:
                observer.began(step)
            outcome = _run_step(step, log, record, clock, observer)
            outcomes.append(outcome)
            if observer:
                observer.ended(outcome)
            if outcome.state == "failed":
                why = f"step '{step.name}' failed: {outcome.detail}"
                break
        else:
            record.ended()
    except MusterError as error:  # the procedure could not even say its steps
        why = str(error)
    except BaseException as error:
        log.ended(str(error) or type(error).__name__)
        raise
    log.ended(why)
    return Outcome(procedure.name, not why, why, tuple(outcomes), log.began_at, clock.now())


def _run_step(step: Step, log: _Log, record: OnRecord, clock: Clock, observer: StepObserver | None) -> StepOutcome:
    began = clock.now()
    log.step(step, "began", "")

    def told(what: str) -> None:
        log.waits(step, what)
        if observer:
            observer.waits(step, what)

    state, detail = "failed", ""
    try:
        if not step.check():
            state, detail = "skipped", "nothing to do"
        else:
            if step.acts:
                record.acts(step.name)
            state, detail = _take(step, record, clock, told)
    except MusterError as error:
        detail = str(error)
        detail += _noted(record, detail, refused=isinstance(error, RefusedError))
    log.step(step, state, detail)
    return StepOutcome(step.name, state, detail, began, clock.now())


def _take(step: Step, record: OnRecord, clock: Clock, told: Callable[[str], None]) -> tuple[str, str]:
    did = step.do()
    if step.acts:
        record.acted()
    wait = Waiting(step.verify, step.waits_for or str, told, clock)
    latest = wait.latest if step.waits_for else None
    try:
        wait_for(
            wait.look, within=step.within_s, every=LOOK_EVERY_S, reason="it to take effect", clock=clock, latest=latest
        )
    except TimeoutExceededError as error:
        why = f"{did}, but {error}"
        return "failed", why + _noted(record, why, refused=False)
    return "done", did


def _noted(record: OnRecord, why: str, *, refused: bool) -> str:
    """Note a failure; what is to be added to its sentence where that cannot be noted."""
    try:
        record.failed(why, refused=refused)
    except MusterError as error:
        return f" (and its record cannot be brought up to date: {error})"
    return ""


class _Log:
    """The procedure's events, on the timeline if there is one, and in the audit log."""

    def __init__(self, procedure: str, context: Context, clock: Clock) -> None:
        self._procedure, self._context = procedure, context
        self._target = f"{context.cluster.context}/{context.namespace}"
        self.began_at = clock.now()

    def began(self) -> None:
        # The audit log first: what cannot be logged is not done.
        self._context.audit.record(f"recovery {self._procedure}", target=self._target, outcome="begun")
        self._write("recovery.began")

    def step(self, step: Step, state: str, detail: str) -> None:
        self._write("recovery.step", step=step.name, state=state, detail=detail, acts=step.acts)
        if state != "began":
            self._context.audit.record(
                f"recovery {self._procedure}: {step.name}", target=self._target, outcome=state, detail=detail
            )

    def waits(self, step: Step, what: str) -> None:
        self._write("recovery.waits", step=step.name, what=what)

    def ended(self, why: str) -> None:
        self._write("recovery.ended", ok=not why, why=why)
        outcome = "failed" if why else "done"
        self._context.audit.record(f"recovery {self._procedure}", target=self._target, outcome=outcome, why=why)

    def _write(self, kind: str, **fields: Any) -> None:
        if self._context.timeline:
            self._context.timeline.append(kind, procedure=self._procedure, **fields)
