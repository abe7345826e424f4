"""All objectives of a drill, judged and put into its entry."""

from __future__ import annotations

from dataclasses import replace

from muster.verdict.disruption.look import Look
from muster.verdict.entry import DrillVerdict
from muster.verdict.objectives import rpo, rto, slo
from muster.verdict.objectives.detection import judge_detection
from muster.verdict.objectives.latency import latencies
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason
from muster.verdict.verdicts import Verdict


def judge_objectives(entry: DrillVerdict, record: Record, seen: Look, required: set[str]) -> list[Reason]:
    """Put the figures into the entry and return why the check of the writes does not count, if it does not."""
    disruption = seen.disruption
    entry.rto = rto.judge_rto(record, seen, required)
    if not seen.probes_whole:
        _distrust_rto(entry)
    lost = rpo.judge_rpo(record, disruption, required)
    entry.rpo, entry.lost = lost.entry, lost.lost
    believed = disruption if seen.load_whole else replace(disruption, end=None)
    entry.slo = slo.judge_slo(record, believed, required="slo" in required)
    entry.latency = latencies(record.windows, slo.spans(record, believed))
    entry.detection = judge_detection(record, required)
    return lost.reasons


def _distrust_rto(entry: DrillVerdict) -> None:
    """A required probe was silent: service may have been good just then, so not even a miss is certain."""
    rto_entry = entry.rto
    for name in ("verdict", "target_verdict", "budget_verdict"):
        if getattr(rto_entry, name) is not None:
            setattr(rto_entry, name, Verdict.UNKNOWN)
