"""What speaks against a recovery as the rehearsal of its procedure."""

from __future__ import annotations

from muster.verdict.disruption.recovered_by import PLATFORM, UNDO, Recovered
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason

_STRIKE = "strike so that the platform cannot mend it alone, or set proves_procedure=False"


def check_procedure(record: Record, recovered: Recovered) -> list[Reason]:
    """What speaks against the recovery as a rehearsal of its procedure."""
    declared, by = record.declared, recovered.by
    if by == UNDO and not declared.transient:
        return [_let_go(record)]
    if declared.recovery is None:
        return []
    see = "see the recovery's steps in the timeline"
    runs = [recovery for recovery in record.recoveries if recovery.procedure == declared.recovery]
    if not runs:
        return [Reason(f"recovery procedure {declared.recovery!r} never ran", "call recover() in the drill")]
    reasons = []
    if runs[-1].ended is None:
        reasons.append(Reason(f"recovery procedure {declared.recovery!r} did not end", see))
    elif not runs[-1].ok:
        reasons.append(Reason(f"recovery procedure {declared.recovery!r} failed: {runs[-1].why or 'no reason'}", see))
    if declared.proves_procedure and by is None:
        what = f"service was not seen to come back, so {declared.recovery!r} is not proved"
        reasons.append(Reason(what, "watch until service is good again: system.wait_good(...)"))
    elif declared.proves_procedure and by == PLATFORM:
        what = f"the platform healed alone, so {declared.recovery!r} is not proved"
        reasons.append(Reason(what, _STRIKE))
    elif declared.proves_procedure and recovered.doubt:
        reasons.append(Reason(f"{recovered.doubt}, so {declared.recovery!r} is not proved", _STRIKE))
    elif declared.proves_procedure and by != declared.recovery:
        what = f"{by!r} brought service back, so {declared.recovery!r} is not proved"
        reasons.append(Reason(what, "run the declared procedure alone, or declare the one that is to be proved"))
    return reasons


def _let_go(record: Record) -> Reason:
    proved = "nothing" if record.declared.recovery is None else f"not {record.declared.recovery!r}"
    return Reason(
        f"service came back only once the fault was undone, which proves {proved}",
        "wait for good service inside the block of the fault, or say that it passes (transient=True)",
    )
