"""Who brought service back.

`platform` where service was good before a procedure acted, else the procedure that acted last before it was
(MEASURES.md, Recovered by). Good before it acted: the first window of good service after the effect, whatever the
procedure did later, began before the first step that did something. A step that was skipped, or that only looks
(`acts: false`), does nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from muster.verdict.disruption.measure import Disruption
from muster.verdict.reading.record import Record

PLATFORM = "platform"


def acted(record: Record, procedure: str | None = None) -> float | None:
    """When a procedure (the one of that name, or any) first did something, or None; one that tells no step did
    nothing."""
    named = [recovery for recovery in record.recoveries if procedure in (None, recovery.procedure)]
    steps = [step for recovery in named for step in recovery.steps]
    return min((step.began for step in steps if step.acts and step.state != "skipped"), default=None)


class Recovered(NamedTuple):
    """Who brought service back: `platform`, a procedure, or None where service did not come back while watched.

    `surely` is False where service may have been good again before the declared procedure did anything: the window may
    have begun before, and answers were good.
    """

    by: str | None
    surely: bool = True


def recovered_by(record: Record, disruption: Disruption) -> Recovered:
    """Who brought service back."""
    if disruption.end is None:
        return Recovered(None)
    first = acted(record)
    if first is None or disruption.start is None:
        return Recovered(PLATFORM)
    # The disruption ends no earlier than the procedures did; service may have been good before.
    without = disruption.well
    if without is None:
        return Recovered(_credited(record, disruption.end.high))
    if without.high < first:
        return Recovered(PLATFORM)
    declared = acted(record, record.declared.recovery)
    well = declared is not None and _seen_well(record, without.low, declared)
    return Recovered(_credited(record, without.high), surely=not well)


def _seen_well(record: Record, last: float, until: float) -> bool:
    """Whether each required probe had a good answer between the last violation and a moment."""
    for stream in record.required:
        asked = stream.requests
        if not ((asked.sent >= last) & (asked.done < until) & ~asked.bad & ~asked.became("shed")).any():
            return False
    return True


def _credited(record: Record, good: float) -> str:
    """The procedure that did something last before service was good; where none did so early, the last one."""
    did = [
        (step.began, recovery.procedure)
        for recovery in record.recoveries
        for step in recovery.steps
        if step.acts and step.state != "skipped" and step.began <= good
    ]
    return max(did)[1] if did else record.recoveries[-1].procedure
