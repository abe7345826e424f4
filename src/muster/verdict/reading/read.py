"""Reading a timeline into a `Record`: requests by columns, each other kind of event by a function of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from muster.base.timeline import Event
from muster.objectives import Declaration
from muster.probes.http.outcomes import GONE
from muster.verdict.entry import VersionEntry
from muster.verdict.reading.events import DamagedTimelineError, is_number
from muster.verdict.reading.facts import (
    Alert,
    Change,
    Effect,
    Fault,
    LoadLook,
    MonitoringLook,
    PodState,
    Readback,
    Recovery,
    Relations,
    ReleaseAt,
    Shortfall,
    Step,
    Tick,
    Undone,
    Write,
)
from muster.verdict.reading.record import STOPPING_S, Record
from muster.verdict.reading.requests import CODES, Mask, Requests, Stream
from muster.verdict.reading.saved import Saved, Table


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
            except (LookupError, TypeError, ValueError, ArithmeticError) as error:
                raise DamagedTimelineError(
                    f"event of kind {event['kind']!r} at t={event['t']} does not fit: {type(error).__name__} {error}"
                ) from error
    _set_apart(record)
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


def _set_apart(record: Record) -> None:
    """Where the drill allows that acknowledged writes are lost, a load that asks for one is answered rightly that it is
    not there: no violation, as the loss itself is judged by the RPO. What a load read again later was not lost."""
    if record.declared.max_lost_writes == 0:
        return
    gone = {
        (look.sent, look.name)
        for look in record.load_looks
        if look.found == "lost"
        and look.status in GONE
        and look.sent > record.load_found.get((look.load, look.id), -math.inf)
    }
    asked = record.load.requests
    if not gone or not len(asked):
        return
    rows = np.flatnonzero(asked.bad & np.isin(asked.sent, [sent for sent, _ in gone]))
    mine = rows[[(float(asked.sent[row]), record.names[asked.name[row]]) in gone for row in rows]]
    asked.outcome[mine], asked.bad[mine] = CODES["gone"], False


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


def _on_release(record: Record, event: Event) -> None:
    record.release.append(ReleaseAt(event["t"], event["phase"], event["state"]))


def _on_prober(record: Record, event: Event) -> None:
    if event["state"] == "stopped":
        record.prober_stopped = event["t"]
    elif event["state"] == "unanswered":
        record.unanswered.append((event["t"], str(event["name"]), float(event["intended"])))


def _on_recovery(record: Record, event: Event) -> None:
    # A recovery before the fault recovers from something else; one after the judgement puts the system away.
    if record.injected is not None and event["t"] < record.judged_at:
        record.recoveries.append(Recovery(event["procedure"], event["t"]))


def _run_of(record: Record, event: Event) -> Recovery | None:
    """The run of a procedure that an event is of: the last one, of those that are not over where some are, and of the
    procedure that the event names where it does. Two may run at once, and either may end first."""
    if event["t"] >= record.judged_at:
        return None
    named = event.get("procedure")
    runs = [run for run in record.recoveries if named in (None, run.procedure)]
    return next((run for run in reversed(runs) if run.ended is None), runs[-1] if runs else None)


def _on_step(record: Record, event: Event) -> None:
    if (run := _run_of(record, event)) is None:
        return
    steps, state = run.steps, event["state"]
    running = next((step for step in reversed(steps) if step.name == event["step"] and step.ended is None), None)
    if running is None:
        running = Step(event["step"], event["t"], acts=event.get("acts", True))
        steps.append(running)
    if state != "began":
        running.state, running.ended = state, event["t"]
    running.detail = event.get("detail") or running.detail


def _on_change(record: Record, event: Event) -> None:
    if (run := _run_of(record, event)) is not None:
        counts = event.get("replicas")
        replicas = None if counts is None else (int(counts[0]), int(counts[1]))
        fields = tuple(str(path) for path in event.get("fields") or [])
        change = Change(event["t"], str(event["verb"]), str(event["object"]), fields, replicas)
        run.changes.append(change)


def _on_point(record: Record, event: Event) -> None:
    if record.recoveries and event["t"] < record.judged_at:
        record.recovery_points.append(float(event["t"]) - float(event["ago_s"]))


def _on_pod(record: Record, event: Event) -> None:
    if event.get("pod") is not None and event.get("ready") is not None:
        record.pods.append(PodState(event["t"], str(event["pod"]), event["ready"] is True))


def _on_relations(record: Record, event: Event) -> None:
    if event.get("pod") is None:
        record.unrelated = str(event.get("why") or "no reason given")
        return
    kinds = ("owners", "uses", "served_by", "asks")
    related = {kind: frozenset(str(one) for one in event.get(kind) or []) for kind in kinds}
    record.relations.append(Relations(pod=str(event["pod"]), serves=event.get("serves") is True, **related))
    record.pods.append(PodState(event["t"], str(event["pod"]), event.get("ready") is True))


def _on_origin(record: Record, event: Event) -> None:
    if event["t"] < record.judged_at:
        record.foreign.append((event["t"], [str(name) for name in event["foreign"]]))


def _on_recovered(record: Record, event: Event) -> None:
    run = _run_of(record, event)
    if run is not None and run.ended is None:
        run.ended, run.ok, run.why = event["t"], event["ok"] is True, str(event.get("why") or "")


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


def _on_load_lost(record: Record, event: Event) -> None:
    if event["found"] not in ("lost", "altered", "same"):
        raise ValueError(f"found {event['found']!r} is none of lost, altered, same")
    if event["sent"] > record.judged_at:
        return
    if event["found"] == "same":
        record.load_found[event["load"], event["id"]] = event["sent"]
    else:
        look = LoadLook(
            t=event["t"],
            load=event["load"],
            id=event["id"],
            acknowledged=event["acknowledged"],
            name=str(event.get("name") or ""),
            sent=event["sent"],
            found=event["found"],
            status=event.get("status"),
            why=str(event.get("why") or ""),
        )
        record.load_looks.append(look)


def _on_load(record: Record, event: Event) -> None:
    load, state = str(event.get("load") or "load"), event["state"]
    if state == "started" and record.load_started is None:
        record.load_started = event["t"]
    if state in ("started", "rate") and event.get("rate") and event["t"] < record.judged_at:
        record.offered.change(load, event["t"], float(event["rate"]), float(event.get("over_s") or 0.0))
        record.load.every_s = 1 / record.offered.slowest
    elif state == "elsewhere" and event["t"] < record.judged_at:
        profile, address = event.get("profile") or load, event.get("address")
        told = f"load {profile!r} went to {address}, not to the system under drill"
        if told not in record.loads_failed:
            record.loads_failed.append(told)
    elif state == "behind":
        not_sent, late_s = int(event.get("not_sent") or 0), float(event.get("late_s") or 0.0)
        since = min(float(event.get("since") or event["t"] - 1.0), event["t"])
        record.shortfalls.append(Shortfall(since, event["t"], not_sent, late_s, str(event.get("reason") or "")))
    elif state == "stopped":  # told when the drill ends it, which may be after it judged
        _load_stopped(record, event, load)


def _load_stopped(record: Record, event: Event, load: str) -> None:
    if event.get("abandoned"):
        waited_s = max(float(event.get("waited_s") or 0.0), STOPPING_S)
        why = f"they had no answer when the load was stopped, after up to {waited_s:.1f} s"
        short = Shortfall(event["t"] - waited_s, event["t"], int(event["abandoned"]), 0.0, why)
        record.shortfalls.append(short)
        record.abandoned.append(short)
    profile = event.get("profile") or load
    if event.get("broken"):
        record.loads_failed.append(f"load {profile!r} broke down: {event.get('reason')}")
    elif event.get("asked") == 0:
        record.loads_failed.append(f"load {profile!r} started, but sent no request")
    if record.offered.stop(load, event["t"]):
        record.load_stopped = (event["t"], str(event.get("reason") or ""))


def _on_version(record: Record, event: Event) -> None:
    if record.injected is None and event["version"] is not None:
        record.version = VersionEntry.model_validate(event["version"])


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


def _on_guard(record: Record, event: Event) -> None:
    if event["state"] == "tripped" and record.stopped is None:
        record.stopped = (event["t"], str(event.get("why") or "no reason given"), str(event.get("rule") or ""))
    elif event["state"] == "undone" and record.taken_back_s is None and record.stopped is not None:
        record.taken_back_s = float(event["took_s"]) if is_number(event.get("took_s")) else None


_HANDLERS: dict[str, Callable[[Record, Event], None]] = {
    "timeline": _on_clock,
    "clock": _on_clock,
    "version": _on_version,
    "steady": _on_steady,
    "load": _on_load,
    "load.lost": _on_load_lost,
    "fault.sent": _on_sent,
    "fault.effect": _on_effect,
    "fault.done": _on_done,
    "fault.undone": _on_undone,
    "phase": _on_phase,
    "prober": _on_prober,
    "release": _on_release,
    "recovery.began": _on_recovery,
    "recovery.step": _on_step,
    "recovery.change": _on_change,
    "recovery.point": _on_point,
    "recovery.ended": _on_recovered,
    "pod": _on_pod,
    "relations": _on_relations,
    "origin": _on_origin,
    "write": _on_write,
    "readback": _on_readback,
    "good": _on_good,
    "judged": _on_judged,
    "ended": _on_ended,
    "alert": _on_alert,
    "monitoring": _on_monitoring,
    "instrument": _on_instrument,
    "guard": _on_guard,
}
