"""Whether prober and load were at work for as long as their figures are used. Silence is no evidence of health."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from muster.verdict.disruption import Instant
from muster.verdict.reasons import Reason
from muster.verdict.record import Record
from muster.verdict.requests import Stream

_LIGHTER = "run the load generator on a less busy machine, or lower the rate"
_AGAIN = "see the log of the {} and run the drill again"


# Below this share of its rate the load did not run as the drill wanted it, and its figures are of another load.
OFFERED = 0.8
# As many as fail where 99.95 % are good: fewer that were not sent can hide no miss of a usual objective.
UNSENT = 0.0005
# What is sent late counts from when it was due, and so errs to the bad side; beyond this it is another load.
LATE_S = 1.0


def broke_down(record: Record) -> list[Reason]:
    """A part of the harness that broke before the drill judged: whatever was measured, it was not the system."""
    if record.broken is None or record.broken[0] >= record.judged_at:
        return []
    return [Reason(record.broken[1], "look at its log in the run's directory and run the drill again")]


def never_began(record: Record) -> list[Reason]:
    """What is required and was never there: then nothing can be said at all."""
    reasons = []
    if not record.declared.probes:
        reasons.append(Reason("the drill requires no probe", "declare the probes of the system in its system.yaml"))
    elif not any(probe.write for probe in record.declared.probes):
        reasons.append(
            Reason(
                "none of the required probes writes and reads back",
                "declare a probe with 'write: true': a service that only reads is not back",
            )
        )
    reasons += [
        Reason(f"required probe {stream.name} sent no request", _AGAIN.format("prober"))
        for stream in record.required
        if not len(stream.requests)
    ]
    load = record.declared.load
    if load is not None and (record.load_started is None or not len(record.load.requests)):
        was = "never started" if record.load_started is None else "started, but sent no request"
        reasons.append(Reason(f"load {load!r} {was}", _AGAIN.format("load generator")))
    return reasons


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
    return [Reason(what, _AGAIN.format("load generator")) for what in record.loads_failed]


def fell_short(record: Record, spans: Iterable[tuple[float, float]]) -> list[Reason]:
    """Where the generator itself said that it could not keep up: its figures are then of its own limits.

    What it says of a time that began before a span is of what was before: an outage leaves a backlog.
    """
    reasons = []
    for start, end in spans:
        told = [short for short in record.shortfalls if start <= short.since < end]
        not_sent = sum(short.not_sent for short in told)
        late_s = max((short.late_s for short in told), default=0.0)
        if not_sent > UNSENT * record.offered.wanted(start, end) or late_s >= LATE_S:
            since = told[0].since - (record.injected or start)
            said = f"{not_sent} requests were not sent" if not_sent else f"requests were sent {late_s:.1f} s late"
            worst = max(told, key=lambda short: (short.not_sent, short.late_s))
            what = f"the load generator could not keep up: {said}, from {since:+.1f} s on ({worst.why})"
            reasons.append(Reason(what, _LIGHTER))
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
    program = "load generator" if stream is record.load else "prober"
    return [
        Reason(
            f"{stream.name} was silent for {until - since:.1f} s, from {since - injected:+.1f} s of the injection on "
            f"(allowed: {stream.silence_allowed:.1f} s)",
            _AGAIN.format(program),
        )
        for since, until in stream.silences(start, end)
    ]
