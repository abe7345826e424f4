"""From a drill's timeline to its verdict.

Order of decisions:

1. The data say nothing: no declaration, damaged events, nothing watched, not steady before, the fault not landed, the
   clock broken. Unknown, whatever the figures look like; none are given.
2. A required objective was definitely missed: missed, even if the drill's body crashed later, never judged, or a stream
   fell silent after what condemns it was seen. A limit that was passed stays passed. What cannot be relied on any more
   (an upper bound, once the load was silent; RTO, once a required probe was) is unknown instead.
3. Anything that casts doubt on a green: the body crashed, nothing was judged, a stream fell silent, the procedure did
   not run or was not needed, service broke again after the hold. Unknown.
4. The required objectives: unknown if any is, else met.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from muster.base.errors import MusterError
from muster.base.timeline import Event, TimelineError, read_timeline
from muster.verdict import alive, rpo, rto, slo, story
from muster.verdict.clock import check_clock
from muster.verdict.detection import judge_detection
from muster.verdict.disruption import Disruption, measure
from muster.verdict.doubts import body_ended, contradicted, relapsed, unanswered
from muster.verdict.entry import DrillVerdict, FaultEntry
from muster.verdict.events import DamagedTimelineError
from muster.verdict.landed import Landed, check_experiments, check_late, check_taken_back, judge_landed
from muster.verdict.latency import latencies
from muster.verdict.reasons import Reason
from muster.verdict.record import Record, read_record
from muster.verdict.recovered_by import check_procedure, recovered_by
from muster.verdict.required import required_of
from muster.verdict.saved import Saved, read_saved
from muster.verdict.steady import check_steady
from muster.verdict.verdicts import Verdict, combine
from muster.verdict.words import deciding_lines


@dataclass(slots=True)
class _Findings:
    """What was seen of a disruption, and which streams can be relied on."""

    disruption: Disruption
    probes_whole: bool = True
    load_whole: bool = True
    doubts: list[Reason] = field(default_factory=list)


def judge_file(path: Path) -> DrillVerdict:
    """The verdict on the drill of a saved timeline. What cannot be understood of it is unknown.

    Raises:
        TimelineError: there is no such file, or it is no timeline.
    """
    try:
        return judge(read_saved(path))
    except DamagedTimelineError as error:
        return _unreadable(_heads(path), error)


def judge(told: Saved | Sequence[Event]) -> DrillVerdict:
    """The verdict on a drill. Never raises for what a timeline holds: what cannot be understood is unknown."""
    try:
        record = read_record(told)
    except MusterError as error:
        return _unreadable(told.events if isinstance(told, Saved) else told, error)
    entry = _skeleton(record)
    required, doubts = required_of(record)
    entry.required = sorted(required)
    landed = judge_landed(record)
    entry.fault = FaultEntry(
        experiment=record.declared.fault, landed=landed.landed, evidence=landed.evidence, healed_by=landed.healed_by
    )
    nothing = _says_nothing(record, landed)
    if not nothing:
        findings = _look(record, landed)
        nothing = check_clock(record, _end_of(findings.disruption, record))
        if not nothing:
            figures = _fill(entry, record, findings, landed, required)
            struck = [*check_late(record), *check_taken_back(record), *check_experiments(record)]
            doubts = [*body_ended(record), *doubts, *findings.doubts, *struck, *figures]
    if nothing:
        return _void(entry, required, [*nothing, *body_ended(record)])
    return _conclude(entry, required, doubts)


def _heads(path: Path) -> list[Event]:
    """What can be read of a damaged timeline's events."""
    try:
        return read_timeline(path)
    except TimelineError:
        return []


def _unreadable(events: Sequence[Event], error: MusterError) -> DrillVerdict:
    known = [event for event in events if isinstance(event, dict)]
    told = (event for kind in ("declared", "timeline") for event in known if event.get("kind") == kind)
    declared = next(told, {})
    name = str(declared.get("name") or declared.get("drill") or "unnamed")
    why = str(error)
    return DrillVerdict(
        name=name,
        nodeid=str(declared.get("nodeid", "")),
        why=f"the timeline cannot be judged: {why}",
        reasons=[f"the timeline cannot be judged: {why}"],
        advice="repair what wrote the timeline and run the drill again",
    )


def _skeleton(record: Record) -> DrillVerdict:
    declared = record.declared
    entry = DrillVerdict(
        name=declared.name,
        nodeid=declared.nodeid,
        repetition=declared.repetition,
        severity=declared.severity,
        cadence=declared.cadence,
        evidence=declared.evidence,
        procedure=declared.recovery,
    )
    entry.rto.target_s, entry.rto.budget_s = declared.rto_target_s, declared.rto_budget_s
    entry.rpo.target_s, entry.rpo.max_lost_writes = declared.rpo_target_s, declared.max_lost_writes
    entry.detection.target_s, entry.detection.alert = declared.detection_target_s, declared.alert
    return entry


def _says_nothing(record: Record, landed: Landed) -> list[Reason]:
    """Why the data say nothing about a recovery, the cause before its consequences."""
    refused = record.steady is not None and not record.steady[1]
    if (record.ended or "").startswith("interrupted"):
        return [*body_ended(record), *check_steady(record), *alive.never_began(record), *landed.reasons]
    if record.injected is None and not refused:
        return [
            *alive.broke_down(record),
            *body_ended(record),
            *alive.never_began(record),
            *check_steady(record),
            *landed.reasons,
        ]
    return [*alive.broke_down(record), *check_steady(record), *alive.never_began(record), *landed.reasons]


def _look(record: Record, landed: Landed) -> _Findings:
    """Measure the disruption with all that can be relied on."""
    floor = end_floor(record, landed)
    hold, since = record.declared.hold_s, (record.injected or 0.0) - record.declared.steady_s
    findings = _Findings(measure(record, floor=floor, probes_only=True))
    until = alive.watched_to_the_end(record, findings.disruption.end, hold)
    for stream in record.required:
        silent = alive.silences(record, stream, since, until)
        findings.doubts += silent
        findings.probes_whole = findings.probes_whole and not silent
    if record.declared.load is None and not len(record.load.requests):
        return findings
    if record.load_stopped is not None:  # the drill may end its load before it judges, but not before the hold has
        end = findings.disruption.end
        until = max(min(until, record.load_stopped[0]), -math.inf if end is None else end.at + hold)
    silent = alive.silences(record, record.load, since, until)
    findings.doubts += silent
    findings.load_whole = not silent
    if findings.load_whole:
        findings.disruption = measure(record, floor=floor)
        end = findings.disruption.end
        held = [] if end is None else [(end.at, end.at + hold)]
        findings.doubts += alive.under_rate(record, [(since, since + record.declared.steady_s), *held])
        findings.doubts += alive.failed(record)
    return findings


def _judged_until(disruption: Disruption, hold: float) -> float:
    return disruption.watched_until if disruption.end is None else disruption.end.at + hold


def _end_of(disruption: Disruption, record: Record) -> float:
    return _judged_until(disruption, record.declared.hold_s)


def end_floor(record: Record, landed: Landed) -> float | None:
    """The moment before which the disruption cannot end, or None while a procedure still runs."""
    ends = [recovery.ended for recovery in record.recoveries]
    if landed.observed is None or None in ends:
        return None
    return max([landed.observed, *(end for end in ends if end is not None)])


def _fill(entry: DrillVerdict, record: Record, findings: _Findings, landed: Landed, required: set[str]) -> list[Reason]:
    """Put the figures into the entry and return what casts doubt on them."""
    disruption = findings.disruption
    recovered = recovered_by(record, disruption, landed.observed or 0.0, probes_only=not findings.load_whole)
    entry.recovered_by = recovered.by
    entry.rto = rto.judge_rto(record, disruption, required, whole=findings.probes_whole and findings.load_whole)
    if not findings.probes_whole:
        _distrust_rto(entry)
    lost = rpo.judge_rpo(record, disruption, required)
    entry.rpo, entry.lost = lost.entry, lost.lost
    believed = disruption if findings.load_whole else replace(disruption, end=None)
    entry.slo = slo.judge_slo(record, believed, required="slo" in required)
    entry.latency = latencies(record.windows, slo.spans(record, believed))
    entry.detection = judge_detection(record, required)
    entry.split = story.split(record, disruption, entry.detection.value_s)
    entry.recovery_steps = story.steps(record, disruption)
    entry.disruption = story.outline(record, disruption)
    return [
        *alive.under_turns(record, disruption.end),
        *check_procedure(record, recovered),
        *relapsed(record, disruption),
        *unanswered(record, disruption),
        *contradicted(record, recovered.by),
        *lost.reasons,
    ]


def _distrust_rto(entry: DrillVerdict) -> None:
    """A required probe was silent: service may have been good just then, so not even a miss is certain."""
    rto_entry = entry.rto
    for name in ("verdict", "target_verdict", "budget_verdict"):
        if getattr(rto_entry, name) is not None:
            setattr(rto_entry, name, Verdict.UNKNOWN)


def _void(entry: DrillVerdict, required: set[str], reasons: list[Reason]) -> DrillVerdict:
    """An entry without figures: the data say nothing."""
    entry.rto.verdict = Verdict.UNKNOWN if required & {"rto", "budget"} else None
    entry.rpo.verdict = Verdict.UNKNOWN if required & {"rpo", "lost_writes"} else None
    entry.detection.verdict = Verdict.UNKNOWN if "detection" in required else None
    entry.verdict = Verdict.UNKNOWN
    entry.reasons = list(dict.fromkeys(reason.what for reason in reasons))
    entry.why, entry.advice = reasons[0].what, reasons[0].do
    return entry


def _conclude(entry: DrillVerdict, required: set[str], doubts: list[Reason]) -> DrillVerdict:
    verdicts = [entry.rto.verdict, entry.rpo.verdict, entry.detection.verdict, *(slo.verdict for slo in entry.slo)]
    found = [verdict for verdict in verdicts if verdict is not None]
    if "slo" in required and not any(slo.verdict for slo in entry.slo):
        doubts.append(Reason("no objective of the load is declared", "declare objectives in the system's system.yaml"))
    overall = combine(found)
    if overall is Verdict.MET and doubts:
        overall = Verdict.UNKNOWN
    missed, open_ = deciding_lines(entry, Verdict.MISSED), deciding_lines(entry, Verdict.UNKNOWN)
    lines = [*missed, *(doubt.what for doubt in doubts), *open_]
    entry.verdict, entry.reasons = overall, list(dict.fromkeys(lines))
    if overall is Verdict.MET:
        entry.why = "; ".join(deciding_lines(entry, Verdict.MET)[:2])
    else:
        entry.why = lines[0] if lines else "nothing was required"
    if overall is Verdict.UNKNOWN:
        entry.advice = doubts[0].do if doubts else "watch longer, ask more often, or gather more samples"
    return entry
