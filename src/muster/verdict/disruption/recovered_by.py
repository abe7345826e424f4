"""Who brought service back.

`undo` where service was good only after the harness had let go of a fault and something was put back. `platform` where
service was good before a procedure acted, else the procedure that acted last before it was. Good before it acted: the
first window of good service after the effect, whatever the procedure did later, began before the first step that did
something. A step that was skipped, or that only looks (`acts: false`), does nothing. `platform?` where the declared
procedure acted in time and nothing shows that it was what it did: see `muster.verdict.disruption.credit`; or where
trouble came and went, as where a share of the requests fails, so that a good moment before it acted tells nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from muster.verdict.disruption.credit import unproved
from muster.verdict.disruption.measure import Disruption, Instant
from muster.verdict.reading.record import Record

PLATFORM = "platform"
PERHAPS_PLATFORM = "platform?"
UNDO = "undo"
NEXT_TO = 20  # violations before service was good, which tell whether it came and went
LEAST, TIMES = 2, 2.0


def acted(record: Record, procedure: str | None = None) -> float | None:
    """When a procedure (the one of that name, or any) first did something, or None; one that tells no step did
    nothing."""
    named = [recovery for recovery in record.recoveries if procedure in (None, recovery.procedure)]
    steps = [step for recovery in named for step in recovery.steps]
    return min((step.began for step in steps if step.acts and step.state != "skipped"), default=None)


class Recovered(NamedTuple):
    """Who brought service back: `platform`, `undo`, a procedure, or None where service did not come back while watched.

    `doubt` says in one sentence why it may have been otherwise; None where it is sure.
    """

    by: str | None
    doubt: str | None = None


def recovered_by(record: Record, disruption: Disruption) -> Recovered:
    """Who brought service back."""
    if disruption.end is None:
        return Recovered(None)
    if disruption.start is None:
        return Recovered(PLATFORM)
    # The disruption ends no earlier than the procedures did; service may have been good before.
    well, first = disruption.well or disruption.end, acted(record)
    if _came_with_the_undo(record, well):
        return Recovered(UNDO)
    if first is None or well.high < first:
        return _by_itself(record, disruption.start, well, first)
    by = _credited(record, well.high)
    return _declared(record, by, well) if by == record.declared.recovery else Recovered(by)


def _by_itself(record: Record, start: Instant, well: Instant, first: float | None) -> Recovered:
    """Service was good before a procedure acted, at `first`, or none did."""
    if first is None or not _came_and_went(record, start, well, until=first):
        return Recovered(PLATFORM)
    why = "trouble came and went, and clients cannot tell whether it was over before a procedure acted"
    return Recovered(PERHAPS_PLATFORM, f"the platform may have healed: {why}")


def _declared(record: Record, procedure: str, well: Instant) -> Recovered:
    """The declared procedure acted last before service was good: whether it was what it did."""
    began = acted(record, procedure)
    if began is not None and _seen_well(record, well.low, began):
        return Recovered(procedure, f"service may have been good before {procedure!r} did anything")
    if why := unproved(record, procedure, well.high):
        return Recovered(PERHAPS_PLATFORM, f"the platform may have healed: {why}")
    return Recovered(procedure)


def _came_with_the_undo(record: Record, well: Instant) -> bool:
    """Whether service was not good before the harness let go of a fault."""
    let_go = _let_go(record)
    if let_go is None or well.high <= let_go:
        return False
    return well.low >= let_go or not _seen_well(record, well.low, let_go)


def _let_go(record: Record) -> float | None:
    """When the drill first let go of a fault, after the last injection, with something to put back; or None."""
    struck = max((fault.sent for fault in record.faults), default=0.0)
    put_back = [undone.t for undone in record.undone if undone.undone]
    return min((t for t in record.released if t >= struck and any(done >= t for done in put_back)), default=None)


def _seen_well(record: Record, last: float, until: float) -> bool:
    """Whether each required probe had a good answer between the last violation and a moment."""
    for stream in record.required:
        asked = stream.requests
        if not ((asked.sent >= last) & (asked.done < until) & ~asked.bad & ~asked.became("shed")).any():
            return False
    return True


def _came_and_went(record: Record, start: Instant, well: Instant, *, until: float) -> bool:
    """Whether service was good from `well` until a moment for no longer than it had been again and again while it was
    in trouble: for TIMES the longest of the pauses between its last violations in which each required probe had a good
    answer, where there are at least LEAST such pauses."""
    asked = [stream.requests for stream in (*record.probes.values(), record.load)]
    rows = [(each.sent[hit], each.done[hit]) for each in asked if (hit := each.bad & (each.sent >= start.low)).any()]
    if not rows:
        return False
    sent, done = (np.concatenate([row[place] for row in rows]) for place in (0, 1))
    order = np.argsort(sent, kind="stable")
    last = order[sent[order] <= well.low][-NEXT_TO:]
    begins, ends = sent[last][1:], np.maximum.accumulate(done[last])[:-1]
    pauses = [(begin - end, end, begin) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
    good = [length for length, end, begin in pauses if length > 0 and _seen_well(record, end, begin)]
    return len(good) >= LEAST and until - well.low <= TIMES * max(good)


def _credited(record: Record, good: float) -> str:
    """The procedure that did something last before service was good; where none did so early, the last one."""
    did = [
        (step.began, recovery.procedure)
        for recovery in record.recoveries
        for step in recovery.steps
        if step.acts and step.state != "skipped" and step.began <= good
    ]
    return max(did)[1] if did else record.recoveries[-1].procedure
