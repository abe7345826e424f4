"""What a drill comes to: its entry, with the verdict and what decided it."""

from __future__ import annotations

from collections.abc import Sequence

from muster.base.errors import MusterError
from muster.base.timeline import Event
from muster.verdict.conclusion.words import deciding_lines
from muster.verdict.disruption.landed import Landed
from muster.verdict.entry import DrillVerdict, FaultEntry
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason
from muster.verdict.verdicts import Verdict, combine


def begun(record: Record, landed: Landed, required: set[str]) -> DrillVerdict:
    """The entry with what the drill declared, before anything is judged."""
    declared = record.declared
    entry = DrillVerdict(
        name=declared.name,
        nodeid=declared.nodeid,
        repetition=declared.repetition,
        severity=declared.severity,
        cadence=declared.cadence,
        evidence=declared.evidence,
        procedure=declared.recovery,
        required=sorted(required),
        version=record.version,
    )
    entry.rto.target_s, entry.rto.budget_s = declared.rto_target_s, declared.rto_budget_s
    entry.rpo.target_s, entry.rpo.max_lost_writes = declared.rpo_target_s, declared.max_lost_writes
    entry.detection.target_s, entry.detection.alert = declared.detection_target_s, declared.alert
    entry.fault = FaultEntry(
        experiment=declared.fault, landed=landed.landed, evidence=landed.evidence, healed_by=landed.healed_by
    )
    return entry


def unreadable(events: Sequence[Event], error: MusterError) -> DrillVerdict:
    """The entry of a timeline that cannot be understood, named as far as its events tell."""
    known = [event for event in events if isinstance(event, dict)]
    told = (event for kind in ("declared", "timeline") for event in known if event.get("kind") == kind)
    declared = next(told, {})
    name = str(declared.get("name") or declared.get("drill") or "unnamed")
    why = f"the timeline cannot be judged: {error}"
    return DrillVerdict(
        name=name,
        nodeid=str(declared.get("nodeid", "")),
        why=why,
        reasons=[why],
        advice="repair what wrote the timeline and run the drill again",
    )


def void(entry: DrillVerdict, required: set[str], reasons: list[Reason]) -> DrillVerdict:
    """An entry without figures: the data say nothing."""
    entry.rto.verdict = Verdict.UNKNOWN if required & {"rto", "budget"} else None
    entry.rpo.verdict = Verdict.UNKNOWN if required & {"rpo", "lost_writes"} else None
    entry.detection.verdict = Verdict.UNKNOWN if "detection" in required else None
    entry.verdict = Verdict.UNKNOWN
    entry.reasons = list(dict.fromkeys(reason.what for reason in reasons))
    entry.why, entry.advice = reasons[0].what, reasons[0].do
    return entry


def conclude(entry: DrillVerdict, required: set[str], doubts: list[Reason]) -> DrillVerdict:
    """The worst of what was required; a green that is doubted is unknown."""
    verdicts = [entry.rto.verdict, entry.rpo.verdict, entry.detection.verdict, *(slo.verdict for slo in entry.slo)]
    found = [verdict for verdict in verdicts if verdict is not None]
    if "slo" in required and not any(slo.verdict for slo in entry.slo):
        doubts = [*doubts, Reason("no objective of the load is declared", "declare objectives in system.yaml")]
    overall = combine(found)
    if overall is Verdict.MET and doubts:
        overall = Verdict.UNKNOWN
    missed, open_ = deciding_lines(entry, Verdict.MISSED), deciding_lines(entry, Verdict.UNKNOWN)
    lines = [*missed, *(doubt.what for doubt in doubts), *open_]
    entry.verdict, entry.reasons = overall, list(dict.fromkeys(lines))
    if overall is Verdict.MET:
        met = deciding_lines(entry, Verdict.MET)[:2]
        entry.why = "; ".join(met if entry.rpo.why is None else [*met, entry.rpo.why])
    else:
        entry.why = lines[0] if lines else "nothing was required"
    if overall is Verdict.UNKNOWN:
        entry.advice = doubts[0].do if doubts else "watch longer, ask more often, or gather more samples"
    return entry
