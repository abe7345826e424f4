"""RTO: the time within which service must resume (ISO 22301), as measured from outside.

Value: end of the disruption minus its start, within [low, high]. Met if high <= target, missed if low > target, else
unknown. Not recovered while watched: value null, low the time watched, high null; where service was good at the very
end, but not for the hold yet, that good time is not charged, as it may be the end. No violation although the fault
landed: 0, and high is the longest time that nobody looked, which a shorter interruption could have hidden in.

The severity's target is for all of a recovery, so a declared human response is added before it is compared; the
drill's own budget is for what the drill did.

Where the load's generator was late, what was slow may have been its own: low is then that of the disruption as it was
at best, without that delay. So a miss is missed by what the service did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from muster.verdict.disruption.look import Look
from muster.verdict.disruption.measure import Disruption, Instant
from muster.verdict.entry import RtoEntry
from muster.verdict.reading.record import Record
from muster.verdict.verdicts import Verdict, at_most, combine

FINE_S = 0.1  # what widens an interval by less is not worth telling


@dataclass(frozen=True, slots=True)
class Length:
    """How long service was disrupted, in seconds. `value` and `high` are None where it did not come back."""

    value: float | None
    low: float
    high: float | None


def length(disruption: Disruption) -> Length:
    """How long a disruption lasted, until service was good and the procedure through."""
    return _until(disruption, disruption.end)


def _until(disruption: Disruption, end: Instant | None) -> Length:
    start = disruption.start
    if start is None:
        return Length(None, 0.0, None) if end is None else Length(0.0, 0.0, disruption.blind_s)
    if end is None:
        return Length(None, max(disruption.not_before - start.high, 0.0), None)
    low, high = max(end.low - start.high, 0.0), end.high - start.low
    return Length(min(max(end.at - start.at, low), high), low, high)


def judge_rto(record: Record, seen: Look, required: set[str]) -> RtoEntry:
    """The entry's `rto`. Unless the record is whole (no stream fell silent) there is no upper bound, hence no met."""
    declared, injected = record.declared, record.injected or 0.0
    disruption, whole = seen.disruption, seen.whole
    best = disruption if seen.at_best is None else seen.at_best
    lasted = _lower(length(disruption), length(best))
    if not whole:
        lasted = Length(None, lasted.low, None)
    entry = RtoEntry(
        value_s=_rounded(lasted.value),
        low_s=_rounded(lasted.low),
        high_s=_rounded(lasted.high),
        target_s=declared.rto_target_s,
        budget_s=declared.rto_budget_s,
        open_because=_open_because(record, seen),
        last_trouble=_last_trouble(record, disruption),
    )
    entry.resolution_s = max((2 * stream.every_s for stream in record.required), default=None)
    if lasted.value is not None and entry.resolution_s is not None:
        entry.resolvable = lasted.low >= entry.resolution_s
    if disruption.well is not None and disruption.start is not None and whole:
        clients = _lower(_until(disruption, disruption.well), _until(best, best.well))
        entry.clients_s, entry.clients_low_s = _rounded(clients.value), _rounded(clients.low)
        entry.clients_high_s = _rounded(clients.high)
    if disruption.end is not None and disruption.start is not None and whole:
        entry.since_injection_s = _rounded(disruption.end.at - injected)
    response = declared.response_s
    if response is not None:
        entry.human_response, entry.human_response_s = "declared", response
    if "rto" in required:
        entry.target_verdict = _against(lasted, declared.rto_target_s, response or 0.0)
    if "budget" in required:
        entry.budget_verdict = _against(lasted, declared.rto_budget_s, 0.0)
    verdicts = [verdict for verdict in (entry.target_verdict, entry.budget_verdict) if verdict is not None]
    entry.verdict = combine(verdicts) if verdicts else None
    return entry


def _lower(lasted: Length, best: Length) -> Length:
    return replace(lasted, low=min(lasted.low, best.low))


def _open_because(record: Record, seen: Look) -> str | None:
    disruption = seen.disruption
    if not seen.whole:
        return "a stream fell silent, so there is no upper bound"
    if seen.at_best is not None and length(seen.at_best).low + FINE_S < length(disruption).low:
        return f"the load generator was up to {seen.late_s:.1f} s late, and what was slow may have been that"
    asked, since = [stream.requests for stream in record.required], disruption.not_before
    back = all(bool(np.any(~requests.bad & (requests.sent >= since))) for requests in asked)
    if disruption.end is None and disruption.start is not None and back:
        return f"good again since then, but not held for {record.declared.hold_s:g} s when watching ended"
    return None


def _last_trouble(record: Record, disruption: Disruption) -> str | None:
    """What the last violation of a required probe was, where service was not seen good again."""
    if disruption.end is not None:
        return None
    last = [(stream, stream.violations()) for stream in record.required]
    told = [(hit.at(-1), stream.name) for stream, hit in last if len(hit)]
    if not told:
        return None
    request, name = max(told, key=lambda one: one[0].sent)
    return f"{name}: {request.outcome}"


def _against(lasted: Length, target: float | None, added: float) -> Verdict:
    if target is None:
        return Verdict.UNKNOWN
    high = None if lasted.high is None else lasted.high + added
    return at_most(lasted.low + added, high, target)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
