"""A run as Markdown, for the job page of a pipeline."""

from __future__ import annotations

import re

from muster.report.failure import failure_message
from muster.report.gate import outcome
from muster.report.summary import SummaryModel
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import RtoEntry
from muster.verdict.many.repeated import evidence_lines

MARKS = {Verdict.MET: "🟢", Verdict.MISSED: "🔴", Verdict.UNKNOWN: "🟡"}
EVIDENCE = {
    "rehearsal": "Evidence: rehearsal. Timings on the embedded cluster prove procedure and instrument; only those of a "
    "cluster prove the RTO.",
    "cluster": "Evidence: cluster.",
}
_HEAD = ("verdict", "drill", "severity", "RTO", "budget", "target", "RPO", "writes lost", "recovered by")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~&@])")


def markdown(summary: SummaryModel) -> str:
    """The verdict, a table of drills, three lines for each that is not met, what did not run, and the evidence."""
    verdict, why = outcome(summary)
    parts = [
        f"## {MARKS[verdict]} {verdict.upper()}: {escape(summary.system)} on {escape(summary.cluster)}",
        escape(why),
    ]
    # Of repetitions that are met a line or two says more than a row each.
    told = [drill for drill in summary.drills if drill.repetition is None or drill.verdict is not Verdict.MET]
    if told:
        parts.append(_table(told))
    parts += ["\n".join(f"- {escape(line)}" for line in evidence_lines(repeat)) for repeat in summary.repeated()]
    parts += [escape(change.why) for change in summary.changes if change.regression]
    if pictures := [f"`{drill.picture}`" for drill in told if drill.picture]:
        parts.append(f"Pictures: {', '.join(pictures)}")
    parts += [_message(drill) for drill in summary.drills if drill.verdict is not Verdict.MET]
    if summary.not_run:
        left_out = [f"- {escape(one.name)}: {escape(one.why)}" for one in summary.not_run]
        parts.append("\n".join(["Not run:", "", *left_out]))
    parts.append(f"{EVIDENCE[summary.evidence]} Started {summary.started}, finished {summary.finished or 'never'}.")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line: no markup, no table cell, no HTML, no mention."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(drills: list[DrillVerdict]) -> str:
    rows = [_HEAD, ("---",) * len(_HEAD), *(_row(drill) for drill in drills)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(drill: DrillVerdict) -> tuple[str, ...]:
    rto, rpo = drill.rto, drill.rpo
    judged = rpo.verdict is not None
    return (
        f"{MARKS[drill.verdict]} {drill.verdict}",
        escape(drill.name),
        escape(drill.severity or ""),
        escape(interval(rto)),
        f"{rto.budget_s:g} s" if rto.budget_s is not None else "",
        f"{rto.target_s:g} s" if rto.target_s is not None else "",
        f"{rpo.value_s:.2f} s" if rpo.value_s is not None else "",
        f"{rpo.lost_writes} of {rpo.acknowledged_writes}" if judged else "",
        escape(drill.recovered_by or ""),
    )


def interval(rto: RtoEntry) -> str:
    """`1.74 s [1.72, 1.76]`, or what is known of an RTO that never ended."""
    if rto.value_s is None:
        return f"> {rto.low_s:.1f} s" if rto.low_s else ""
    high = "?" if rto.high_s is None else f"{rto.high_s:.2f}"
    return f"{rto.value_s:.2f} s [{rto.low_s or 0:.2f}, {high}]"


def _message(drill: DrillVerdict) -> str:
    """The lines that pytest prints, word by word; a fence longer than any run of backticks in them keeps them so."""
    text = failure_message(drill)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}text\n{text}\n{fence}"
