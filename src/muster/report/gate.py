"""The exit code of `muster verdict`: what a pipeline goes by."""

from __future__ import annotations

from muster.report.summary import SummaryModel
from muster.verdict import Verdict

EXIT_CODES = {Verdict.MET: 0, Verdict.MISSED: 1, Verdict.UNKNOWN: 2}


def exit_code(summary: SummaryModel) -> int:
    """0 met, 1 missed, 2 unknown.

    The drills are counted again: a file whose verdict is greener than its drills, or that was never finished, does not
    pass.
    """
    verdict, _ = summary.conclude()
    if verdict is Verdict.MET and (summary.finished is None or summary.verdict is not Verdict.MET):
        verdict = summary.verdict if summary.finished is not None else Verdict.UNKNOWN
    return EXIT_CODES[verdict]
