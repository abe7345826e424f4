"""A drill's timeline, read once and put in order for the questions that follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np

from muster.base.timeline import Event
from muster.objectives import Declaration
from muster.verdict.reading.events import DamagedTimelineError
from muster.verdict.reading.facts import (
    Alert,
    Effect,
    Fault,
    MonitoringLook,
    Readback,
    Recovery,
    Shortfall,
    Step,
    Tick,
    Undone,
    Write,
)
from muster.verdict.reading.offered import AllOffered
from muster.verdict.reading.requests import CODES, Mask, Requests, Stream
from muster.verdict.reading.saved import Saved, Table
from muster.verdict.reading.windows import LoadWindows

STOPPING_S = 0.5  # what a load abandons when it is stopped was asked before that


@dataclass
class Record:
    """Everything of one drill that a verdict depends on."""

    declared: Declaration
    probes: dict[str, Stream]
    load: Stream
    offered: AllOffered = field(default_factory=AllOffered)
    load_started: float | None = None
    load_stopped: tuple[float, str] | None = None
    loads_failed: list[str] = field(default_factory=list)  # what became of each that did not do its part
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
    undone: list[Undone] = field(default_factory=list)
    released: list[float] = field(default_factory=list)  # when the drill let go of a fault
    prober_stopped: float | None = None
    unanswered: list[tuple[float, str, float]] = field(
        default_factory=list
    )  # at the prober's end: (t, probe, intended)
    ticks: list[Tick] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    monitoring: list[MonitoringLook] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)
    abandoned: list[Shortfall] = field(default_factory=list)  # of them, what had no answer when a load was stopped
    names: list[str] = field(default_factory=list)  # of requests: what their column `name` holds are places in it
    broken: tuple[float, str] | None = None  # when a part of the harness itself was first seen broken, and which

    @cached_property
    def windows(self) -> LoadWindows:
        """The load's requests in windows, with the objectives that hold after a recovery."""
        return LoadWindows(self.load.requests, self.declared.each_second("after"))

    @cached_property
    def struck_under_way(self) -> Requests:
        """The load's requests that were under way when the fault was sent, and failed by it."""
        asked, injected = self.load.requests, self.injected
        if injected is None:
            return asked[:0]
        return asked[asked.bad & (asked.intended < injected) & ~self.load.overdue_before(injected)]

    @cached_property
    def windows_before(self) -> LoadWindows:
        """The same windows without the requests that the fault broke: they are none of the time before it."""
        asked, injected = self.load.requests, self.injected
        if injected is None or not len(self.struck_under_way):
            return self.windows
        struck = asked.bad & (asked.intended < injected) & ~self.load.overdue_before(injected)
        return LoadWindows(asked[~struck], self.declared.each_second("after"))

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


def read_record(told: Saved | Sequence[Event]) -> Record:
    """Put a timeline in order.

    Requests sent after the drill began to judge are passed over: that its writes are read back, and what happens while
    the system is put away, is no part of what is judged. Faults sent after that are kept apart (`late_faults`): nobody
    measured what they did.

    Raises:
        DamagedTimelineError: there is no declaration, or an event lacks what its kind must have.
        UsageError: the declaration does not fit.
    """
    saved = told if isinstance(told, Saved) else Saved.of(told)
    declared = next((event for event in saved.events if event["kind"] == "declared"), None)
    if declared is None:
        raise DamagedTimelineError("the timeline holds no declaration of the drill (an event of kind 'declared')")
    declaration = Declaration.from_event(declared)
    record = Record(
        declared=declaration,
        probes={s.name: Stream(s.name, s.every_s, s.limit_s, s.write) for s in declaration.probes},
        load=Stream("load", every_s=0.1),
        names=[name for _, name in saved.table.names],
    )
    judging = [_judged_from(event) for event in saved.events if event["kind"] == "judged"]
    record.judged_at = max(judging, default=math.inf)
    _take_requests(record, saved.table)
    for event in saved.events:
        if handler := _HANDLERS.get(event["kind"]):
            try:
                handler(record, event)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise DamagedTimelineError(
                    f"event of kind {event['kind']!r} at t={event['t']} does not fit: {type(error).__name__} {error}"
                ) from error
    return record


def _judged_from(event: Event) -> float:
    return float(event["t"] if event.get("began") is None else min(event["began"], event["t"]))


def _take_requests(record: Record, table: Table) -> None:
    """Give each stream its requests, those of the load to the load, those of others each to its probe."""
    of_load = np.array([source == "load" for source, _ in table.names], dtype=np.bool_)
    in_time = table.sent <= record.judged_at
    if len(table):
        record.load.requests = _columns(record, table, in_time & of_load[table.name], record.load)
    codes: dict[str, list[int]] = {}
    for code, (source, name) in enumerate(table.names):
        if source != "load":
            codes.setdefault(name, []).append(code)
    for name, its_own in codes.items():
        mine = in_time & np.isin(table.name, its_own)
        if mine.any():
            stream = record.probes.setdefault(name, Stream(name, every_s=1.0))
            stream.requests = _columns(record, table, mine, stream)


def _columns(record: Record, table: Table, rows: Mask, stream: Stream) -> Requests:
    sent, done, outcome = table.sent[rows], table.done[rows], table.outcome[rows]
    bad = outcome != CODES["ok"]
    if record.declared.overload:
        bad &= outcome != CODES["shed"]
    if stream.limit_s is not None:
        late = (outcome == CODES["ok"]) & (done - sent > stream.limit_s)
        bad |= late
        outcome[late] = CODES["timeout"]
    asked = Requests(sent, done, table.intended[rows], outcome, bad, table.name[rows], table.facet[rows])
    return asked.sorted_by(asked.sent)


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
    if fault is not None:
        fault.done = event["t"]
    if fault is not None and not event["ok"]:
        fault.failed = str(event.get("why", "")) or "no reason given"


def _on_undone(record: Record, event: Event) -> None:
    record.undone.append(Undone(event["t"], event["experiment"], [str(text) for text in event.get("undone") or []]))


def _on_phase(record: Record, event: Event) -> None:
    if event.get("phase") == "undo":
        record.released.append(event["t"])


def _on_prober(record: Record, event: Event) -> None:
    if event["state"] == "stopped":
        record.prober_stopped = event["t"]
    elif event["state"] == "unanswered":
        record.unanswered.append((event["t"], str(event["name"]), float(event["intended"])))


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
    load = str(event.get("load") or "load")
    if event["state"] == "started" and record.load_started is None:
        record.load_started = event["t"]
    if event["state"] in ("started", "rate") and event.get("rate") and event["t"] < record.judged_at:
        record.offered.change(load, event["t"], float(event["rate"]), float(event.get("over_s") or 0.0))
        record.load.every_s = 1 / record.offered.slowest
    elif event["state"] == "behind":
        not_sent, late_s = int(event.get("not_sent") or 0), float(event.get("late_s") or 0.0)
        since = min(float(event.get("since") or event["t"] - 1.0), event["t"])
        record.shortfalls.append(Shortfall(since, event["t"], not_sent, late_s, str(event.get("reason") or "")))
    if event["state"] == "stopped" and event.get("abandoned"):
        waited_s = max(float(event.get("waited_s") or 0.0), STOPPING_S)
        why = f"they had no answer when the load was stopped, after up to {waited_s:.1f} s"
        short = Shortfall(event["t"] - waited_s, event["t"], int(event["abandoned"]), 0.0, why)
        record.shortfalls.append(short)
        record.abandoned.append(short)
    if event["state"] == "stopped":  # told when the drill ends it, which may be after it judged
        profile = event.get("profile") or load
        if event.get("broken"):
            record.loads_failed.append(f"load {profile!r} broke down: {event.get('reason')}")
        elif event.get("asked") == 0:
            record.loads_failed.append(f"load {profile!r} started, but sent no request")
    if event["state"] == "stopped" and record.offered.stop(load, event["t"]):
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
    told = event.get("utc")
    utc = datetime.fromisoformat(told).timestamp() if isinstance(told, str) else None
    record.ticks.append(Tick(float(event["t"]), float(event["boottime"]), str(event.get("by") or "drill"), utc))


def _on_alert(record: Record, event: Event) -> None:
    record.alerts.append(Alert(event["t"], str(event["name"]), str(event.get("state") or "firing")))


def _on_monitoring(record: Record, event: Event) -> None:
    record.monitoring.append(MonitoringLook(event["t"], str(event["state"]), str(event.get("why") or "")))


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
    "fault.undone": _on_undone,
    "phase": _on_phase,
    "prober": _on_prober,
    "recovery.began": _on_recovery,
    "recovery.step": _on_step,
    "recovery.ended": _on_recovered,
    "write": _on_write,
    "readback": _on_readback,
    "good": _on_good,
    "judged": _on_judged,
    "ended": _on_ended,
    "alert": _on_alert,
    "monitoring": _on_monitoring,
    "instrument": _on_instrument,
}
