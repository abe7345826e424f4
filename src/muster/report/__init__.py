"""What people and machines read afterwards: the run's summary, the failure message, the picture of a drill.

Belongs here: rendering of verdicts and timelines. Not here: deciding anything. A failing report changes no verdict.
"""

from muster.report.failure import failure_message
from muster.report.gate import exit_code, outcome
from muster.report.picture import draw
from muster.report.summary import NotRun, Summary, SummaryError, SummaryModel, read_summary

__all__ = [
    "NotRun",
    "Summary",
    "SummaryError",
    "SummaryModel",
    "draw",
    "exit_code",
    "failure_message",
    "outcome",
    "read_summary",
]
