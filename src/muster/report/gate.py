"""The exit code of `muster verdict`: what a pipeline goes by."""

from __future__ import annotations

from muster.report.summary import SummaryModel
from muster.verdict import Verdict

EXIT_CODES = {Verdict.MET: 0, Verdict.MISSED: 1, Verdict.UNKNOWN: 2}


def exit_code(summary: SummaryModel) -> int:
    """0 met, 1 missed, 2 unknown."""
    return EXIT_CODES[outcome(summary)[0]]


def outcome(summary: SummaryModel) -> tuple[Verdict, str]:
    """A run's verdict and its reason, fit for a gate.

    The drills are counted again: a file whose verdict is greener than its drills, or that was never finished, does not
    pass, and neither does one of which something is in doubt.
    """
    if summary.doubt is not None:
        return Verdict.UNKNOWN, summary.doubt
    verdict, why = summary.conclude()
    if verdict is not Verdict.MET:
        return verdict, why
    return (Verdict.UNKNOWN if summary.finished is None else summary.verdict), summary.why
