"""Whether prober and load were at work for as long as their figures are used. Silence is no evidence of health."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from muster.verdict.disruption.measure import Instant
from muster.verdict.reading.facts import Shortfall
from muster.verdict.reading.record import Record
from muster.verdict.reading.requests import SILENT_S, Stream
from muster.verdict.reasons import Reason

_LIGHTER = "run the load generator on a less busy machine, or lower the rate"
_SELDOM = "run the drill on a less busy machine, or make 'every_s' of the probe shorter than the hold"
AGAIN = "see the log of the {} and run the drill again"


# Below this share of its rate the load did not run as the drill wanted it, and its figures are of another load.
OFFERED = 0.8
# As many as fail where 99.95 % are good: fewer that were not sent can hide no miss of a usual objective.
UNSENT = 0.0005
# What is sent late counts from when it was due, and so errs to the bad side; beyond this it is another load.
LATE_S = 1.0
# Below this share of its turns a probe did not look, whatever it saw; and it takes several looks to see service hold.
TURNS, LEAST_LOOKS = 0.5, 2
# How long after an outage the generator may still be busy with what it left.
BACKLOG_S = 1.0
# So many turns that were left out one after the other are silence, where they took longer than a second.
SILENT_TURNS = 10


def under_rate(record: Record, spans: Sequence[tuple[float, float]]) -> list[Reason]:
    """Where the load asked for much less than it was to, or says so itself: then it was another load.

    Asked of spans outside the disruption only (CLOCK_MONOTONIC seconds): while nothing answers, a generator may run out
    of users.
    """
    reasons = []
    for start, end in spans:
        wanted = record.offered.wanted(start, end)
        asked = record.windows.counts(start, end).asked
        if asked < OFFERED * wanted:
            since = start - (record.injected or start)
            what = f"the load asked {asked} times, not {wanted:.0f}, in the {end - start:.1f} s from {since:+.1f} s on"
            reasons.append(Reason(what, _LIGHTER))
    return reasons + fell_short(record, spans)


def failed(record: Record) -> list[Reason]:
    """Loads that did not do their part: beside others that do, neither silence nor a low rate need show it."""
    return [Reason(what, AGAIN.format("load generator")) for what in record.loads_failed]


def fell_short(record: Record, spans: Iterable[tuple[float, float]]) -> list[Reason]:
    """Where the generator itself said that it could not keep up: its figures are then of its own limits.

    An outage leaves a backlog: of what is told of a time that began before a span, only the part counts that lies more
    than a second inside, as if it were spread evenly.
    """
    reasons = []
    for start, end in spans:
        told = _told(record, start, end)
        left_out = not_sent(record, start, end)
        late = late_s(record, start, end)
        if left_out > UNSENT * record.offered.wanted(start, end) or late >= LATE_S:
            since = told[0].since - (record.injected or start)
            said = f"{left_out} requests were not sent" if left_out else f"requests were sent {late:.1f} s late"
            worst = max(told, key=lambda short: (short.not_sent, short.late_s))
            what = f"the load generator could not keep up: {said}, from {since:+.1f} s on ({worst.why})"
            reasons.append(Reason(what, _LIGHTER))
    return reasons


def late_s(record: Record, start: float, end: float) -> float:
    """How late the generator says that it was in [start, end), in seconds; 0 where it was not."""
    return max((short.late_s for short in _told(record, start, end)), default=0.0)


def not_sent(record: Record, start: float, end: float) -> int:
    """How many requests of [start, end) the generator says that it did not send."""
    return round(sum(short.not_sent * _inside(short, start, end) for short in _told(record, start, end)))


def _told(record: Record, start: float, end: float) -> list[Shortfall]:
    return [short for short in record.shortfalls if short.since < end and _reaches_into(short, start)]


def _reaches_into(short: Shortfall, start: float) -> bool:
    return short.since >= start or short.t > start + BACKLOG_S


def _inside(short: Shortfall, start: float, end: float) -> float:
    """The share of a shortfall that is charged to [start, end): all of it where it began inside."""
    if short.since >= start:
        return 1.0
    return max(min(short.t, end) - max(short.since, start), 0.0) / (short.t - short.since)


def under_turns(record: Record, since: Instant | None) -> list[Reason]:
    """Required probes that looked too seldom while service was to hold, from its end of disruption on: one good answer
    is no hold, nor is a prober that came to few of its turns."""
    if since is None:
        return []
    reasons, start, end = [], since.at, since.at + record.declared.hold_s
    for stream in record.required:
        asked = int(np.count_nonzero((stream.requests.done >= start) & (stream.requests.sent <= end)))
        wanted = (end - start) / stream.every_s
        if asked < max(LEAST_LOOKS, TURNS * wanted):
            what = f"probe {stream.name} looked {asked} times in the {end - start:.1f} s that service was to hold"
            reasons.append(Reason(f"{what}, not {max(wanted, LEAST_LOOKS):.0f}", _SELDOM))
    return reasons


def watched_to_the_end(record: Record, end: Instant | None, hold: float) -> float:
    """Up to when required streams must have looked: until the drill stopped its prober, or judged, and in any case to
    the end of the hold. One that did neither is taken to have watched until it ended."""
    last = min(record.judged_at, math.inf if record.prober_stopped is None else record.prober_stopped)
    if last == math.inf:
        last = max((tick.t for tick in record.ticks), default=-math.inf) if end is None else -math.inf
    return last if end is None else max(end.at + hold, last)


def silences(record: Record, stream: Stream, start: float, end: float) -> list[Reason]:
    """The stretches of [start, end] in which a stream was silent for too long."""
    injected = record.injected or start
    program = "prober"
    silent = stream.silences(start, end)
    if stream is record.load:  # whose rate may change: ten turns are what was wanted just then
        program = "load generator"
        silent = [
            (since, until)
            for since, until in stream.silences(start, end, allowed=SILENT_S)
            if until - since > stream.silence_allowed or record.offered.wanted(since, until) > SILENT_TURNS
        ]
    return [
        Reason(
            f"{stream.name} was silent for {until - since:.1f} s, from {since - injected:+.1f} s of the injection on "
            f"(allowed: {SILENT_S:g} s, or ten turns)",
            AGAIN.format(program),
        )
        for since, until in silent
    ]
