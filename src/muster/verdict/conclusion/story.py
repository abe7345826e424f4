"""What happened when: who brought service back, the recovery's steps, and where the time of a disruption went."""

from __future__ import annotations

from muster.verdict.disruption.look import Look
from muster.verdict.disruption.measure import Disruption, procedures_through
from muster.verdict.entry import DisruptionEntry, DrillVerdict, SplitEntry, StepEntry
from muster.verdict.reading.record import Record


def tell(entry: DrillVerdict, record: Record, seen: Look) -> None:
    """Put what happened into the entry, whose objectives were judged before."""
    entry.recovered_by = seen.recovered.by
    entry.split = _split(record, seen.disruption, entry.detection.value_s)
    entry.recovery_steps = _steps(record, seen.disruption)
    entry.disruption = _outline(record, seen.disruption)


def _split(record: Record, disruption: Disruption, alert_s: float | None) -> SplitEntry:
    """Where the time went, from the start of the disruption (where there was none, from the injection)."""
    injected = record.injected or 0.0
    start = injected if disruption.start is None else disruption.start.at
    entry = SplitEntry()
    if alert_s is not None:
        entry.detected_s = round(injected + alert_s - start, 4)
    if record.recoveries:
        entry.recovery_began_s = round(record.recoveries[0].began - start, 4)
        ended = procedures_through(record)
        entry.procedure_s = None if ended is None else round(ended - record.recoveries[0].began, 4)
    if disruption.well is not None and disruption.start is not None:
        entry.clients_s = round(disruption.well.at - start, 4)
    if disruption.end is not None and disruption.start is not None:
        entry.good_s = round(disruption.end.at - start, 4)
    return entry


def _steps(record: Record, disruption: Disruption) -> list[StepEntry]:
    """The steps of the recovery procedures, in the order in which they began."""
    steps = (step for recovery in record.recoveries for step in recovery.steps)
    start = (record.injected or 0.0) if disruption.start is None else disruption.start.at
    return [
        StepEntry(
            step=step.name,
            state=step.state,
            began_s=round(step.began - start, 4),
            took_s=None if step.ended is None else round(step.ended - step.began, 4),
            detail=step.detail,
        )
        for step in sorted(steps, key=lambda step: step.began)
    ]


def _outline(record: Record, disruption: Disruption) -> DisruptionEntry:
    """The disruption in seconds from the injection."""
    injected = record.injected or 0.0
    start, end = disruption.start, disruption.end
    return DisruptionEntry(
        start_s=None if start is None else (round(start.low - injected, 4), round(start.high - injected, 4)),
        end_s=None if end is None or start is None else (round(end.low - injected, 4), round(end.high - injected, 4)),
        watched_s=round(disruption.watched_until - injected, 4),
        violations=disruption.violations,
        shed=disruption.shed,
        first=disruption.first,
    )
