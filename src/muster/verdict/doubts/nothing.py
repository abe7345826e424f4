"""Whether the data say anything about a recovery at all."""

from __future__ import annotations

from muster.verdict.disruption.landed import Landed
from muster.verdict.disruption.watching import AGAIN
from muster.verdict.doubts.body import body_ended
from muster.verdict.doubts.steady import check_steady
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason

DEADLINE = "deadline"


def says_nothing(record: Record, landed: Landed) -> list[Reason]:
    """Why the data say nothing about a recovery, the cause before its consequences; empty where they say something."""
    refused = record.steady is not None and not record.steady[1]
    if (record.ended or "").startswith("interrupted"):
        return [*body_ended(record), *check_steady(record), *never_began(record), *landed.reasons]
    if record.injected is None and not refused:
        return [
            *was_stopped(record),
            *broke_down(record),
            *body_ended(record),
            *never_began(record),
            *check_steady(record),
            *landed.reasons,
        ]
    return [*was_stopped(record), *broke_down(record), *check_steady(record), *never_began(record), *landed.reasons]


def was_stopped(record: Record) -> list[Reason]:
    """A drill that its guardian stopped before it judged: nobody knows what would have come of it.

    A fault that lasted as long as it may is no such reason: by then the objectives have been missed, or were not.
    """
    if record.stopped is None or record.stopped[0] >= record.judged_at or record.stopped[2] == DEADLINE:
        return []
    took = record.taken_back_s
    back = "its fault was not seen taken back" if took is None else f"its fault was taken back after {took:.1f} s"
    return [Reason(f"the drill was stopped: {record.stopped[1]}; {back}", "see to the cause, then run it again")]


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
    elif not record.declared.read_only and not any(probe.write for probe in record.declared.probes):
        reasons.append(
            Reason(
                "none of the required probes writes and reads back",
                "declare a probe with 'write: true': a service that only reads is not back",
            )
        )
    reasons += [
        Reason(f"required probe {stream.name} sent no request", AGAIN.format("prober"))
        for stream in record.required
        if not len(stream.requests)
    ]
    load = record.declared.load
    if load is not None and (record.load_started is None or not len(record.load.requests)):
        was = "never started" if record.load_started is None else "started, but sent no request"
        reasons.append(Reason(f"load {load!r} {was}", AGAIN.format("load generator")))
    return reasons
