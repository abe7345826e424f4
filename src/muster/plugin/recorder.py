"""Keeps the summary of a session, from the reports of its tests, in the process that owns it."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.errors import MusterError
from muster.plugin.harmless import notices
from muster.plugin.killed import entry_of_killed
from muster.plugin.machines import head_of
from muster.plugin.run import RUN, SKIPPED

PHASES = ("setup", "call", "teardown")


class Recorder:
    """Keeps the summary where there is one: in the controller, or in the only process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Put the drill's entry that a report carries into the summary."""
        with notices():
            self._record(report)

    def _record(self, report: pytest.TestReport) -> None:
        run = self._config.stash[RUN]
        if report.when not in PHASES and report.nodeid in run.collected:  # told by xdist, in its worker's place
            told = entry_of_killed(run, report.nodeid, run.collected[report.nodeid])
            report.muster_entry, report.longrepr = told, _message(told)  # type: ignore[attr-defined]
        entry = getattr(report, "muster_entry", None)
        if entry is not None:
            try:
                run.record(entry)
            except MusterError as error:
                _unrecorded(report, str(error))
                run.entries[report.nodeid] = report.muster_entry
            head_of(report)
        run.told.update(dict.fromkeys(getattr(report, "muster_told", ())))
        if left_out := getattr(report, "muster_not_run", None):
            run.not_run[left_out[0]] = left_out[1]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of drills that is skipped as a whole, or cannot be imported, is no reason to be green."""
        run = self._config.stash[RUN]
        if report.passed:
            return
        run.not_collected[report.nodeid] = SKIPPED if report.skipped else "cannot be collected"
        if run.summary is not None:
            run.not_run[report.nodeid] = run.not_collected[report.nodeid]

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """A letter and a word of its own for unknown."""
        entry = getattr(report, "muster_entry", None)
        if entry is not None and report.failed and entry["verdict"] == "unknown":
            return "unknown", "U", ("UNKNOWN", {"yellow": True})
        return None


def _message(entry: dict[str, Any]) -> str:
    from muster.report import failure_message
    from muster.verdict import DrillVerdict

    return failure_message(DrillVerdict.model_validate(entry))


def _unrecorded(report: Any, why: str) -> None:
    """Take back a green of which nobody will read: a full disk is no reason for pytest to exit with 0."""
    entry = report.muster_entry
    if entry["verdict"] == "met":
        report.muster_entry = {**entry, "verdict": "unknown", "why": why, "reasons": [why, *entry["reasons"]]}
        report.outcome, report.longrepr = "failed", f"UNKNOWN {entry['name']}: {why}"
    else:
        report.sections.append(("muster", why))
