"""Whether the system was steady before it was struck: else what was seen afterwards cannot be laid at the fault's door.

The drill decides it live and writes a `steady` event. Here its word is checked against the requests, as far as they
go: for `steady_s` seconds before the injection no required probe was violated and no 1 s bucket of load missed an
objective.
"""

from __future__ import annotations

from muster.verdict.load import LoadWindows
from muster.verdict.reasons import Reason
from muster.verdict.record import Record

_WAIT = "let the system settle, or repair it, and run the drill again"


def check_steady(record: Record) -> list[Reason]:
    """What speaks against a steady state before the injection."""
    injected = record.injected
    if record.steady is None:
        return [Reason("nobody saw a steady state before the injection", "call system.wait_steady() before inject()")]
    _, ok, why = record.steady
    if not ok:
        return [Reason(f"the system was not steady: {why or 'no reason given'}", _WAIT)]
    if injected is None:
        return []
    since = injected - record.declared.steady_s
    for stream in record.required:
        hit = [r for r in stream.violations() if r.sent >= since and r.done < injected]
        if hit:
            what = f"probe {stream.name} was violated {injected - hit[0].sent:.1f} s before the injection"
            return [Reason(f"the system was not steady: {what} ({hit[0].outcome})", _WAIT)]
    objectives = [objective for objective in record.declared.objectives if "before" in objective.windows]
    start = injected - int(record.declared.steady_s)
    # A request under way at the injection may have met the fault.
    load = LoadWindows([r for r in record.load.requests if r.intended >= start and r.done < injected], objectives)
    spoilt = load.first_spoilt(start, injected)
    if spoilt is not None:
        what = f"the load missed its objectives {injected - spoilt:.1f} s before the injection"
        return [Reason(f"the system was not steady: {what}", _WAIT)]
    return []
