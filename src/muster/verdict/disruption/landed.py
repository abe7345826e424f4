"""Whether the fault took effect, by the evidence of another path than the injecting call.

Landed (docs/measurement.md): the declared effect was observed after the fault was sent, and stayed in force until
recovery began or the platform healed it. Observed once, gone at the next look and no violation seen is not enough: such
a fault was healed before it could hurt, and a recovery from it proves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from muster.verdict.reading.facts import Effect, Fault
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason

# A look older than this when the recovery begins does not show the fault still in force, unless clients felt it.
FRESH_S = 5.0
JUDGE_LAST = "inject first and judge last: call objectives.judge(...) once, at the end of the drill"


@dataclass(frozen=True, slots=True)
class Landed:
    """`observed` is when the last of the faults was first seen in force (CLOCK_MONOTONIC s), None if one was not."""

    landed: bool | None
    observed: float | None
    evidence: str | None
    healed_by: str | None
    reasons: list[Reason]


def judge_landed(record: Record) -> Landed:
    """Whether every fault that was sent landed, the declared one among them."""
    declared = record.declared.fault
    if not record.faults and record.late_faults:
        return _not(None, f"fault {declared!r} was sent only after the drill had judged", JUDGE_LAST)
    if not record.faults:
        return _not(None, f"fault {declared!r} was never sent", "see the experiment's log")
    if declared not in [fault.experiment for fault in record.faults]:
        sent = ", ".join(fault.experiment for fault in record.faults)
        return _not(None, f"the declared fault {declared!r} was never sent (sent were: {sent})", "correct the marker")
    results = [_judge_one(record, fault) for fault in record.faults]
    worst = next((r for r in results if r.landed is False), next((r for r in results if r.landed is None), None))
    if worst is not None:
        return worst
    observed = max(result.observed for result in results if result.observed is not None)
    evidence = "; ".join(result.evidence for result in results if result.evidence)
    healed = "platform" if all(result.healed_by for result in results) else None
    return Landed(landed=True, observed=observed, evidence=evidence, healed_by=healed, reasons=[])


def _not(landed: bool | None, what: str, do: str, evidence: str | None = None) -> Landed:
    return Landed(landed=landed, observed=None, evidence=evidence or what, healed_by=None, reasons=[Reason(what, do)])


def _judge_one(record: Record, fault: Fault) -> Landed:
    name = fault.experiment
    look = "look at the fault's evidence in the timeline, and whether the experiment strikes what runs now"
    began = min((r.began for r in record.recoveries if r.began >= fault.sent), default=None)
    if fault.again is not None and (began is None or fault.again < began):
        # Struck again before any recovery: from then on the looks are at that injection, and it is judged by itself.
        return _judge_struck_again(fault)
    looks = [effect for effect in fault.effects if began is None or effect.t <= began]
    if not fault.effects:
        return _not(None, f"nobody looked whether fault {name!r} took effect", look)
    first = next((at for at, effect in enumerate(looks) if effect.observed), None)
    if first is None:
        late = any(effect.observed for effect in fault.effects)
        seen = fault.effects[-1].evidence
        when = "not before the recovery began" if late else f"in {len(fault.effects)} looks"
        return _not(False, f"fault {name!r} did not land: its effect was not seen {when} ({seen})", look, seen)
    observed = looks[first]
    gone = next((effect for effect in looks[first:] if not effect.observed), None)
    if gone is None:
        return _still_in_force(record, fault, observed, last=looks[-1], began=began)
    if looks[first + 1] is gone and not _felt(record, fault.sent, began):
        what = f"fault {name!r} landed and healed at once: seen in one look, gone in the next, and no client felt it"
        return _not(None, what, "strike harder, or look more often", observed.evidence)
    return Landed(landed=True, observed=observed.t, evidence=observed.evidence, healed_by="platform", reasons=[])


def _judge_struck_again(fault: Fault) -> Landed:
    first = next((effect for effect in fault.effects if effect.observed), None)
    if first is not None:
        return Landed(landed=True, observed=first.t, evidence=first.evidence, healed_by=None, reasons=[])
    what = f"fault {fault.experiment!r} was sent again before its effect was seen, so the first one may not have landed"
    landed = False if fault.effects else None
    return _not(landed, what, "wait until a fault has landed before you strike again")


def _still_in_force(record: Record, fault: Fault, observed: Effect, *, last: Effect, began: float | None) -> Landed:
    stale = began is not None and began - last.t > FRESH_S
    if stale and began is not None and not _felt(record, last.t, began):
        what = (
            f"nobody looked whether fault {fault.experiment!r} stayed in force for the {began - last.t:.1f} s "
            f"before the recovery began"
        )
        return _not(None, what, "poll the fault's effect until the recovery begins", observed.evidence)
    return Landed(landed=True, observed=observed.t, evidence=observed.evidence, healed_by=None, reasons=[])


def _felt(record: Record, since: float, until: float | None) -> bool:
    """Whether a client was hurt in that time."""
    streams = [*record.probes.values(), record.load]
    hits = (stream.violations() for stream in streams)
    return any(bool(np.any((hit.done >= since) & (hit.sent <= (math.inf if until is None else until)))) for hit in hits)
