"""A drill's timeline, read once and put in order for the questions that follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from muster.base.timeline import Event
from muster.objectives import Declaration
from muster.verdict.events import DamagedTimelineError, in_order
from muster.verdict.load import LoadWindows
from muster.verdict.offered import Offered
from muster.verdict.requests import OUTCOMES, Request, Stream


@dataclass(frozen=True, slots=True)
class Effect:
    """One look at whether a fault is in force."""

    t: float
    observed: bool
    evidence: str


@dataclass(slots=True)
class Fault:
    """One injection: one carrying out of an experiment. `again` is when the same experiment was sent once more."""

    experiment: str
    sent: float
    again: float | None = None
    effects: list[Effect] = field(default_factory=list)
    failed: str | None = None


@dataclass(slots=True)
class Step:
    """One step of a recovery procedure."""

    name: str
    began: float
    ended: float | None = None
    state: str = "began"
    detail: str | None = None
    acts: bool = True  # false for a step that only looks


@dataclass(slots=True)
class Recovery:
    """One run of a recovery procedure."""

    procedure: str
    began: float
    ended: float | None = None
    ok: bool = False
    why: str = ""
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the ledger. `ended` is when its outcome was known, CLOCK_MONOTONIC seconds as all times here."""

    id: str
    asked: float
    answered: float | None
    ended: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Readback:
    """What was found of a write."""

    t: float
    found: str
    why: str


@dataclass
class Record:
    """Everything of one drill that a verdict depends on."""

    declared: Declaration
    probes: dict[str, Stream]
    load: Stream
    offered: Offered = field(default_factory=Offered)
    load_started: float | None = None
    load_stopped: tuple[float, str] | None = None
    steady: tuple[float, bool, str] | None = None
    faults: list[Fault] = field(default_factory=list)
    late_faults: list[Fault] = field(default_factory=list)  # sent after the drill judged: no part of what was measured
    recoveries: list[Recovery] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    readbacks: dict[str, list[Readback]] = field(default_factory=dict)
    good: tuple[float, bool, str] | None = None
    judged: tuple[float, list[str]] | None = None
    judged_at: float = math.inf  # when the drill began to judge for the last time
    ended: str | None = None
    boot: list[tuple[float, float]] = field(default_factory=list)  # (t, boottime)
    alerts: list[tuple[float, str]] = field(default_factory=list)
    broken: tuple[float, str] | None = None  # when a part of the harness itself was first seen broken, and which

    @cached_property
    def windows(self) -> LoadWindows:
        """The load's requests in windows, with the objectives that hold after a recovery."""
        return LoadWindows(self.load.requests, [o for o in self.declared.objectives if "after" in o.windows])

    @property
    def required(self) -> list[Stream]:
        """The streams of the probes that the drill requires."""
        return [self.probes[probe.name] for probe in self.declared.probes]

    @property
    def injected(self) -> float | None:
        """When the first fault was sent, or None."""
        return min((fault.sent for fault in self.faults), default=None)

    @property
    def seen_until(self) -> float:
        """Up to when all that is required was watched; -inf where some of it never was."""
        streams = [*self.required, *([self.load] if self.declared.load is not None else [])]
        return min((stream.seen_until for stream in streams), default=-math.inf)


def read_record(events: Sequence[Event]) -> Record:
    """Put a timeline's events in order.

    Requests sent after the drill began to judge are passed over: that its writes are read back, and what happens while
    the system is put away, is no part of what is judged. Faults sent after that are kept apart (`late_faults`): nobody
    measured what they did.

    Raises:
        DamagedTimelineError: there is no declaration, or an event lacks what its kind must have.
        UsageError: the declaration does not fit.
    """
    events = in_order(events)
    declared = next((event for event in events if event["kind"] == "declared"), None)
    if declared is None:
        raise DamagedTimelineError("the timeline holds no declaration of the drill (an event of kind 'declared')")
    declaration = Declaration.from_event(declared)
    specs = {spec.name: spec for spec in declaration.probes}
    record = Record(
        declared=declaration,
        probes={s.name: Stream(s.name, s.every_s, s.limit_s, s.write) for s in specs.values()},
        load=Stream("load", every_s=0.1),
    )
    rest: list[Event] = []
    record.judged_at = judged = max((_judged_from(e) for e in events if e["kind"] == "judged"), default=math.inf)
    try:
        for event in events:
            if event["kind"] == "request":
                if event["sent"] <= judged:
                    _take_request(record, event)
            else:
                rest.append(event)
        for event in rest:
            if handler := _HANDLERS.get(event["kind"]):
                handler(record, event)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise DamagedTimelineError(
            f"event of kind {event['kind']!r} at t={event['t']} does not fit: {type(error).__name__} {error}"
        ) from error
    for stream in (*record.probes.values(), record.load):
        stream.requests.sort(key=_by_sent)
    return record


def _judged_from(event: Event) -> float:
    return float(event["t"] if event.get("began") is None else min(event["began"], event["t"]))


def _by_sent(request: Request) -> float:
    return request.sent


def _take_request(record: Record, event: Event) -> None:
    sent, done, outcome = event["sent"], event["done"], event["outcome"]
    if not sent <= done:
        raise ValueError(f"done ({done}) lies before sent ({sent})")
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome {outcome!r} is none of {', '.join(sorted(OUTCOMES))}")
    if event["source"] == "load":
        stream = record.load
    else:
        name = event["name"]
        if name not in record.probes:
            record.probes[name] = Stream(name, every_s=1.0)
        stream = record.probes[name]
    bad = outcome != "ok" and not (outcome == "shed" and record.declared.overload)
    if outcome == "ok" and stream.limit_s is not None and done - sent > stream.limit_s:
        bad, outcome = True, "timeout"
    stream.requests.append(Request(sent, done, event["intended"], outcome, bad))


def _fault(record: Record, experiment: str) -> Fault | None:
    """The latest injection of an experiment so far, which is what is heard of it from then on."""
    sent = [fault for fault in (*record.faults, *record.late_faults) if fault.experiment == experiment]
    return sent[-1] if sent else None


def _on_sent(record: Record, event: Event) -> None:
    before = _fault(record, event["experiment"])
    if before is not None:
        before.again = event["t"]
    faults = record.faults if event["t"] < record.judged_at else record.late_faults
    faults.append(Fault(event["experiment"], event["t"]))


def _on_effect(record: Record, event: Event) -> None:
    fault = _fault(record, event["experiment"])
    if fault is not None:  # what is seen before the fault was sent is not its effect
        fault.effects.append(Effect(event["t"], event["observed"] is True, str(event.get("evidence", ""))))


def _on_done(record: Record, event: Event) -> None:
    fault = _fault(record, event["experiment"])
    if fault is not None and not event["ok"]:
        fault.failed = str(event.get("why", "")) or "no reason given"


def _on_recovery(record: Record, event: Event) -> None:
    # A recovery before the fault recovers from something else; one after the judgement puts the system away.
    if record.injected is not None and event["t"] < record.judged_at:
        record.recoveries.append(Recovery(event["procedure"], event["t"]))


def _on_step(record: Record, event: Event) -> None:
    if not record.recoveries or event["t"] >= record.judged_at:
        return
    steps, state = record.recoveries[-1].steps, event["state"]
    running = next((step for step in reversed(steps) if step.name == event["step"] and step.ended is None), None)
    if running is None:
        running = Step(event["step"], event["t"], acts=event.get("acts", True))
        steps.append(running)
    if state != "began":
        running.state, running.ended = state, event["t"]
    running.detail = event.get("detail") or running.detail


def _on_recovered(record: Record, event: Event) -> None:
    if record.recoveries and record.recoveries[-1].ended is None:
        last = record.recoveries[-1]
        last.ended, last.ok, last.why = event["t"], event["ok"] is True, str(event.get("why") or "")


def _on_write(record: Record, event: Event) -> None:
    answered, outcome = event["answered"], event["outcome"]
    if outcome not in ("acknowledged", "refused", "indeterminate"):
        raise ValueError(f"outcome {outcome!r} is none of acknowledged, refused, indeterminate")
    if outcome == "acknowledged" and answered is None:
        raise ValueError("an acknowledged write has no time of its answer")
    ended = event["t"] if answered is None else answered
    record.writes.append(Write(str(event["id"]), event["asked"], answered, max(ended, event["asked"]), outcome))


def _on_readback(record: Record, event: Event) -> None:
    if event["found"] not in ("same", "altered", "lost", "duplicated", "unread"):
        raise ValueError(f"found {event['found']!r} is none of same, altered, lost, duplicated, unread")
    found = Readback(event["t"], event["found"], str(event.get("why") or ""))
    record.readbacks.setdefault(str(event["id"]), []).append(found)


def _on_load(record: Record, event: Event) -> None:
    if event["state"] == "started":
        record.load_started = event["t"]
    if event["state"] in ("started", "rate") and event.get("rate") and event["t"] < record.judged_at:
        record.offered.change(event["t"], float(event["rate"]), float(event.get("over_s") or 0.0))
        record.load.every_s = 1 / record.offered.slowest
    elif event["state"] == "stopped":
        record.load_stopped = (event["t"], str(event.get("reason") or ""))


def _on_steady(record: Record, event: Event) -> None:
    if record.injected is None:
        record.steady = (event["t"], event["ok"] is True, str(event.get("why") or ""))


def _on_good(record: Record, event: Event) -> None:
    if event["t"] < record.judged_at:
        record.good = (event["t"], event["ok"] is True, str(event.get("why") or ""))


def _on_judged(record: Record, event: Event) -> None:
    names = record.judged[1] if record.judged else []
    record.judged = (event["t"], [*names, *(str(name) for name in event["required"] if name not in names)])


def _on_ended(record: Record, event: Event) -> None:
    record.ended = str(event["outcome"])


def _on_clock(record: Record, event: Event) -> None:
    record.boot.append((float(event["t"]), float(event["boottime"])))


def _on_alert(record: Record, event: Event) -> None:
    record.alerts.append((event["t"], str(event["name"])))


def _on_instrument(record: Record, event: Event) -> None:
    if record.broken is None and event["ok"] is not True:
        record.broken = (event["t"], str(event.get("why") or "no reason given"))


_HANDLERS: dict[str, Callable[[Record, Event], None]] = {
    "timeline": _on_clock,
    "clock": _on_clock,
    "steady": _on_steady,
    "load": _on_load,
    "fault.sent": _on_sent,
    "fault.effect": _on_effect,
    "fault.done": _on_done,
    "recovery.began": _on_recovery,
    "recovery.step": _on_step,
    "recovery.ended": _on_recovered,
    "write": _on_write,
    "readback": _on_readback,
    "good": _on_good,
    "judged": _on_judged,
    "ended": _on_ended,
    "alert": _on_alert,
    "instrument": _on_instrument,
}
