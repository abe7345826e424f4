"""Keeps every drill in the history as soon as it is judged; a history that fails changes no verdict."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from muster import __version__
from muster.base.errors import MusterError
from muster.plugin.run import RUN, Run

if TYPE_CHECKING:
    from muster.history import History, RunFacts


class HistoryKeeper:
    """Writes to the history where there is one: in the controller, or in the only process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._history: History | None = None
        self._facts: RunFacts | None = None
        self._trouble: str | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the drill of a report, as the summary has it: of several runs of one drill the worst."""
        run = self._config.stash[RUN]
        entry = getattr(report, "muster_entry", None)
        if entry is None or run.options.history is None or run.summary is None or self._trouble:
            return
        same = [drill for drill in run.summary.model.drills if drill.nodeid == entry["nodeid"]]
        try:
            for drill in same:
                self._open(run).record(self._facts_of(run), drill)
        except MusterError as error:
            self._trouble = f"what was rehearsed is not kept in the history, verdicts stand: {error}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say that the history is not what it should be."""
        if self._trouble:
            terminalreporter.write_line(f"muster: {self._trouble}", yellow=True)

    def finish(self) -> None:
        """Say in the history how the run ended. To be called when the summary is finished."""
        run = self._config.stash[RUN]
        if self._history is None or self._facts is None or run.summary is None:
            return
        try:
            self._history.finish(self._facts, verdict=run.summary.model.verdict.value, why=run.summary.model.why)
        except MusterError as error:
            print(f"muster: {error}", file=sys.stderr)
        finally:
            self._history.close()

    def _open(self, run: Run) -> History:
        from muster.history import History

        if self._history is None:
            assert run.options.history is not None
            self._history = History.open(run.options.history, self._config.invocation_params.dir, create=True)
        return self._history

    def _facts_of(self, run: Run) -> RunFacts:
        from muster.history import RunFacts
        from muster.report.allure.environment import git_commit

        if self._facts is None:
            assert run.summary is not None
            self._facts = RunFacts(
                id=run.id,
                started=run.summary.model.started,
                system=run.system,
                cluster=run.cluster_name,
                evidence=run.evidence,
                muster_version=__version__,
                git_commit=git_commit(self._config.rootpath),
                seed=run.options.seed,
            )
        return self._facts
