"""Whether service, once it was back, stayed: violations and loads after the hold, requests that were never answered."""

from __future__ import annotations

import math

import numpy as np

from muster.verdict.disruption.measure import Disruption, troubles
from muster.verdict.disruption.watching import UNSENT
from muster.verdict.reading.record import STOPPING_S, Record
from muster.verdict.reading.windows import BUCKET_S, LoadWindows
from muster.verdict.reasons import Reason

_JUST_THEN = "find out what became of service just then, and run the drill again"


def relapsed(record: Record, disruption: Disruption) -> list[Reason]:
    """Violations of required probes after service had been good for the hold: it came back, and did not stay."""
    end = disruption.end
    if end is None:
        return []
    held = min(end.at, disruption.not_before) + record.declared.hold_s  # where the window of good service ends
    for stream in record.required:
        asked = stream.requests
        # Or broken off then: it was under way when the hold ended.
        hit = asked[troubles(stream, record.windows) & (asked.noticed > held)]
        if len(hit):
            first = hit.at(0)
            since = first.sent - end.at
            what = (
                f"service did not stay: {len(hit)} violations of probe {stream.name}, the first ({first.outcome}) "
                f"{since:.1f} s after it was good again"
            )
            return [Reason(what, "look at the picture for what happened then")]
    stopped = record.windows.last_before(math.inf)
    if stopped - held < BUCKET_S:
        return []
    if record.windows.spoilt(held, stopped):
        what = f"service did not stay: the load missed its objectives in the {stopped - held:.1f} s after the hold"
        return [Reason(what, _JUST_THEN)]
    if again := _spoilt_for_long(record.windows, held, stopped):
        what = f"service did not stay: the load missed its objectives {again - end.at:.1f} s after it was good again"
        return [Reason(what, _JUST_THEN)]
    return []


def _spoilt_for_long(load: LoadWindows, start: float, end: float) -> float | None:
    """When two buckets of load, one right after the other, first missed an objective; one alone may be chance."""
    buckets = load.buckets(start, end)
    whole = buckets[buckets + BUCKET_S <= end]
    spoilt = load.all_spoilt(whole, whole + BUCKET_S, rates=False)  # a fault that raised the load may be undone here
    twice = np.flatnonzero(spoilt[:-1] & spoilt[1:] & (np.diff(whole) < 1.5 * BUCKET_S))
    return float(whole[twice[0]]) if len(twice) else None


def unanswered(record: Record, disruption: Disruption) -> list[Reason]:
    """Requests that were overdue when the prober or a load was stopped: nobody knows what became of them."""
    if disruption.end is None:
        return []
    for stream in record.required:
        patience = stream.patience(record.injected or 0.0)
        waited = [t - intended for t, name, intended in record.unanswered if name == stream.name]
        overdue = [seconds for seconds in waited if seconds > patience]
        if overdue:
            what = (
                f"{len(overdue)} requests of probe {stream.name} had no answer when the prober was stopped, "
                f"after up to {max(overdue):.1f} s"
            )
            return [Reason(what, _JUST_THEN)]
    patience = max(record.load.patience(record.injected or 0.0), STOPPING_S)
    hung = [one for one in record.abandoned if one.t - one.since > patience]
    count = sum(one.not_sent for one in hung)
    if hung and count > UNSENT * record.offered.wanted(disruption.end.at, hung[-1].t):
        return [Reason(f"{count} requests of the load: {hung[0].why}", _JUST_THEN)]
    return []


def contradicted(record: Record, by: str | None) -> list[Reason]:
    """Whether the drill itself, while it ran, saw otherwise than the requests say."""
    if by is None or record.good is None or record.good[1]:
        return []
    what = f"the drill did not see service good again ({record.good[2] or 'no reason given'}), its requests were good"
    return [Reason(what, "find out which of the two is right before you trust either")]
