"""Whether the fault was what the drill declared: struck in time, carried out whole, and not taken back by itself."""

from __future__ import annotations

import math

from muster.verdict.disruption.landed import JUDGE_LAST
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason


def check_experiments(record: Record) -> list[Reason]:
    """Experiments that did not run to their end: what was rehearsed is then not what was declared."""
    see = "see the experiment's log"
    return [Reason(f"experiment {f.experiment!r} failed: {f.failed}", see) for f in record.faults if f.failed]


def check_taken_back(record: Record) -> list[Reason]:
    """Faults that their own experiment undid before the drill let go of them and before it saw service good: whatever
    came back then was not brought back against the fault.

    An experiment whose method undoes something on purpose, with its effect staying, is not meant.
    """
    good = record.good[0] if record.good else math.inf
    reasons = []
    for undone in record.undone:
        faults = [fault for fault in record.faults if fault.experiment == undone.experiment]
        # Each injection is let go of by itself.
        sent = max((fault.sent for fault in faults if fault.sent <= undone.t), default=-math.inf)
        free = min([good, *(released for released in record.released if released >= sent)])
        if not undone.undone or undone.t >= free:
            continue
        looks = [look for fault in faults for look in fault.effects]
        before = [look for look in looks if look.t <= undone.t]
        after = next((look for look in looks if look.t > undone.t), None)
        ended = any(fault.done is not None and fault.done < undone.t for fault in faults)
        if ended or (before and before[-1].observed and not (after and after.observed)):
            since = undone.t - (record.injected or undone.t)
            what = f"fault {undone.experiment!r} was undone by its own experiment {since:.1f} s after it was sent"
            reasons.append(Reason(what, "see the experiment's log for what ended it"))
    return reasons


def check_late(record: Record) -> list[Reason]:
    """Faults sent after the drill had judged: they struck, and no figure says what that did."""
    return [
        Reason(
            f"fault {fault.experiment!r} was sent {max(fault.sent - record.judged_at, 0):.1f} s after the drill "
            f"judged, so nothing says what it did",
            JUDGE_LAST,
        )
        for fault in record.late_faults
    ]
