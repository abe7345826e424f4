"""Whether prober and load were at work for as long as their figures are used. Silence is no evidence of health."""

from __future__ import annotations

from collections.abc import Iterable

from muster.verdict.reasons import Reason
from muster.verdict.record import Record
from muster.verdict.requests import Stream

_AGAIN = "see the log of the {} and run the drill again"


# Below this share of its rate the load did not run as the drill wanted it, and its figures are of another load.
OFFERED = 0.8


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
        if not stream.requests
    ]
    load = record.declared.load
    if load is not None and (record.load_started is None or not record.load.requests):
        was = "never started" if record.load_started is None else "started, but sent no request"
        reasons.append(Reason(f"load {load!r} {was}", _AGAIN.format("load generator")))
    return reasons


def under_rate(record: Record, spans: Iterable[tuple[float, float]]) -> list[Reason]:
    """Where the load asked for much less than it was to: then it was another load. Spans in CLOCK_MONOTONIC seconds.

    Asked outside the disruption only: while nothing answers, a generator may run out of users.
    """
    reasons = []
    for start, end in spans:
        wanted = record.offered.wanted(start, end)
        asked = record.windows.counts(start, end).asked
        if asked < OFFERED * wanted:
            since = start - (record.injected or start)
            what = f"the load asked {asked} times, not {wanted:.0f}, in the {end - start:.1f} s from {since:+.1f} s on"
            reasons.append(Reason(what, "run the load generator on a less busy machine, or lower the rate"))
    return reasons


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
