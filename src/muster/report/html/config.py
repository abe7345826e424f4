"""What the generator is told: title, grouping, categories, trend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from muster.report.allure import Cause
from muster.report.summary import SummaryModel

# The first that fits counts.
CATEGORIES = [
    ("Faults of the harness itself", Cause.HARNESS),
    ("Missed: an objective was not met", Cause.MISSED),
    ("Unknown: nothing is proved", Cause.UNKNOWN),
    ("Not run", Cause.NOT_RUN),
]
# What is of no use to a reader. Severity and cause stay: the generator forgets what it hides.
HIDDEN = ("drill", "host", "thread", "framework", "language", "package",
          "parentSuite", "suite", "subSuite")  # fmt: skip
CHARTS: list[dict[str, Any]] = [
    {"type": "currentStatus", "title": "Drills by verdict (passed: met, failed: missed, broken: unknown)"},
    {"type": "statusDynamics", "title": "Verdicts from run to run"},
    {"type": "testResultSeverities", "title": "Drills by severity (blocker: P1, critical: P2, normal: P3, minor: P4)",
     "levels": ["blocker", "critical", "normal", "minor"],
     "statuses": ["passed", "failed", "broken", "skipped", "unknown"]},
    {"type": "durationDynamics", "title": "Duration of the drills from run to run"},
]  # fmt: skip


def configuration(summary: SummaryModel, *, output: Path, history: Path) -> dict[str, Any]:
    """The content of an allurerc.json for one run."""
    started = summary.started[:16].replace("T", " ")
    title = f"{summary.system} on {summary.cluster}: {summary.verdict} ({started} UTC, evidence: {summary.evidence})"
    return {
        "name": title,
        "output": str(output),
        "historyPath": str(history),
        "appendHistory": True,
        "hideLabels": list(HIDDEN),
        "categories": [
            {"name": name, "matchers": {"labels": {"cause": f"^{cause.value}$"}}, "groupBy": ["severity"]}
            for name, cause in CATEGORIES
        ],
        "plugins": {
            "awesome": {
                "options": {
                    "singleFile": True,
                    "reportName": title,
                    "reportLanguage": "en",
                    "groupBy": ["epic", "feature"],
                    "defaultSection": "",
                    "sections": ["charts", "timeline"],
                    "defaultSortBy": "status,asc",
                    "stepTreeExpansion": "expand_failed_only",
                    "charts": CHARTS,
                }
            }
        },
    }
