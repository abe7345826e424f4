"""What a drill requires: which objectives its verdict hangs on."""

from __future__ import annotations

from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason

REQUIRABLE = ("rto", "budget", "rpo", "lost_writes", "slo", "detection")


def required_of(record: Record) -> tuple[set[str], list[Reason]]:
    """What the drill requires, and what speaks against its having said so.

    Who requires the RTO requires the drill's budget, and who requires the RPO the limit on lost writes, where they are
    declared. A drill that saw service stay down before it could judge has said enough to require its RTO.
    """
    declared, doubts = record.declared, []
    names = set(record.judged[1]) if record.judged else set()
    if strange := sorted(names - set(REQUIRABLE)):
        what = f"the drill judged {', '.join(strange)}, which is no objective"
        doubts.append(Reason(what, f"judge some of {', '.join(REQUIRABLE)}"))
    required = names & set(REQUIRABLE)
    if record.judged is None:
        doubts.append(Reason("the drill never judged", "end the drill with objectives.judge(...)"))
        if record.good is not None and not record.good[1]:
            required = {"rto"} if declared.rto_target_s is not None else {"budget"}
    elif not required:
        doubts.append(Reason("the drill judged nothing", "require at least its RTO: objectives.judge(rto=fault)"))
    if "rto" in required and declared.rto_budget_s is not None:
        required.add("budget")
    if "rpo" in required and declared.max_lost_writes is not None:
        required.add("lost_writes")
    return required, doubts
