"""A run as plain text."""

from __future__ import annotations

from muster.report.failure import failure_message
from muster.report.gate import outcome
from muster.report.summary import SummaryModel
from muster.verdict import Verdict
from muster.verdict.many.repeated import evidence_lines


def plain(summary: SummaryModel) -> str:
    """A line for each drill that is met, three for each that is not, what did not run, and the run's verdict."""
    lines = [
        f"{entry.verdict:<8} {entry.name}: {entry.why}" if entry.verdict is Verdict.MET else failure_message(entry)
        for entry in summary.drills
    ]
    lines += [f"{'not run':<8} {left_out.name}: {left_out.why}" for left_out in summary.not_run]
    where = f"{summary.system} on {summary.cluster}, evidence: {summary.evidence}"
    lines += [line for repeat in summary.repeated() for line in evidence_lines(repeat)]
    lines += [change.why for change in summary.changes if change.regression]
    verdict, why = outcome(summary)
    return "\n".join([*lines, f"{verdict}: {why} ({where})"])
