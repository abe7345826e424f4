"""Whether the system was steady before it was struck: else what was seen afterwards cannot be laid at the fault's door.

The drill decides it live and writes a `steady` event. Here its word is checked against the requests, as far as they
go: for `steady_s` seconds before the injection no required probe was violated and no 1 s bucket of load missed an
objective.
"""

from __future__ import annotations

import math

from muster.objectives import Declaration
from muster.verdict.reading.record import Record
from muster.verdict.reading.requests import Mask, Requests
from muster.verdict.reading.windows import LoadWindows
from muster.verdict.reasons import Reason

ROUNDING = 0.02  # a load is paced, and a request more or less falls into the window
REFUSED_BEFORE = 0.01  # beyond this share it is no chance that connections gathered on one instance
_MORE = "ask more requests/s of the load, or declare a longer steady_s"
_WAIT = "let the system settle, or repair it, and run the drill again"


def unsteady(asked: Requests) -> Mask:
    """Which of a probe's requests show a system that is not steady: nothing is refused before there is an overload."""
    return asked.bad | asked.became("shed")


def too_few(wanted: float, declared: Declaration) -> str:
    """Why so many requests of a load in `steady_s` seconds, even all answered, cannot show its objectives to be kept;
    empty where they can."""
    objectives = declared.each_second("before")
    hardest = max(objectives, key=lambda objective: objective.samples_needed, default=None)
    if hardest is None or not wanted or wanted * (1 + ROUNDING) >= hardest.samples_needed:
        return ""
    needed, within = hardest.samples_needed, f"{declared.steady_s:g} s"
    rate = f"{wanted / declared.steady_s:.3g} requests/s"
    said = f"{rate} cannot give the {needed:g} samples that {within} of steady need"
    least = "" if math.isinf(needed) else f"; at least {math.ceil(needed / declared.steady_s)} requests/s can"
    return f"{said} for {hardest.name} {hardest.target:g}{least}"


def check_steady(record: Record) -> list[Reason]:
    """What speaks against a steady state before the injection."""
    injected = record.injected
    if record.steady is None:
        return [Reason("nobody saw a steady state before the injection", "call system.wait_steady() before inject()")]
    at, ok, why = record.steady
    if not ok:
        few = record.load_started is not None and too_few(
            record.offered.wanted(at - record.declared.steady_s, at), record.declared
        )
        return [Reason(f"the system was not steady: {why or 'no reason given'}", _MORE if few else _WAIT)]
    if injected is None:
        return []
    since = injected - record.declared.steady_s
    if before := [look for look in record.load_looks if look.t < injected]:
        what = f"the load did not find {before[0].id} again, which was acknowledged to it, before the injection"
        return [Reason(f"the system was not steady: {what} ({before[0].why})", _WAIT)]
    for stream in record.required:
        asked = stream.requests
        hit = asked[unsteady(asked) & (asked.sent >= since) & stream.overdue_before(injected)]
        if len(hit):
            first = hit.at(0)
            what = f"probe {stream.name} was violated {injected - first.sent:.1f} s before the injection"
            return [Reason(f"the system was not steady: {what} ({first.outcome})", _WAIT)]
    objectives = [objective for objective in record.declared.objectives if "before" in objective.windows]
    start = injected - int(record.declared.steady_s)
    # A request under way at the injection may have met the fault.
    asked = record.load.requests
    load = LoadWindows(asked[(asked.intended >= start) & record.load.overdue_before(injected)], objectives)
    spoilt = load.first_spoilt(start, injected)
    counts = load.counts(start, injected)
    said = ""
    if counts.refused > REFUSED_BEFORE * counts.asked:
        said = f"{counts.refused} of {counts.asked} requests were refused before the injection"
    elif spoilt is not None:
        said = f"the load missed its objectives {injected - spoilt:.1f} s before the injection"
    return [Reason(f"the system was not steady: {said}", _WAIT)] if said else []
