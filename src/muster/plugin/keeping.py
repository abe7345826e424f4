"""Keeps every drill in the history as soon as it is judged, and compares it with earlier runs; a history that fails
changes no verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from muster import __version__
from muster.base.errors import MusterError
from muster.plugin.harmless import notices
from muster.plugin.run import RUN, Run

if TYPE_CHECKING:
    from muster.history import History, RunFacts
    from muster.report.summary import ChangeEntry
    from muster.verdict import DrillVerdict

UNFINISHED = "the session ended before the drill was put away: nobody knows whether its fault was undone"


class HistoryKeeper:
    """Writes to the history where there is one: in the controller, or in the only process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._history: History | None = None
        self._facts: RunFacts | None = None
        self._trouble: str | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the drill of a report, as the summary has it: of several runs of one drill the worst.

        Until its tearing down is told, a drill that is met is kept as unknown: what ends the session then leaves no
        green, as it leaves none in the summary.
        """
        run = self._config.stash[RUN]
        if run.options.history is None or run.summary is None or self._trouble:
            return
        if report.when != "teardown" and getattr(report, "muster_entry", None) is None:
            return
        with self._forgiving("what was rehearsed is not kept in the history"):
            for drill in [drill for drill in run.summary.model.drills if drill.nodeid == report.nodeid]:
                kept = drill if report.when == "teardown" else _provisional(drill)
                self._open(run).record(self._facts_of(run), kept)
                if report.when == "teardown":
                    self._note_incident(run, kept)

    def _note_incident(self, run: Run, drill: DrillVerdict) -> None:
        """Tell an incident of the system that is open: what was seen of it may be the drill's doing."""
        from muster.incidents.telling import Note, tell

        why = f": {drill.why}" if drill.why else ""
        data = {"drill": drill.name, "run": run.id, "verdict": str(drill.verdict)}
        text = f"drill {drill.name} was held on {run.cluster_name}: {drill.verdict}{why}"
        assert run.options.history is not None
        note = Note(run.system, run.cluster_name, "drill", text, lambda: data)
        for trouble in tell(run.options.history, self._config.invocation_params.dir, note):
            self._trouble = trouble

    @contextmanager
    def _forgiving(self, what: str) -> Iterator[None]:
        with notices():
            try:
                yield
            except Exception as error:  # noqa: BLE001 - whatever goes wrong with the history changes no verdict
                said = error if isinstance(error, MusterError) else f"{type(error).__name__}: {error}"
                self._trouble = f"{what}, verdicts stand: {said}"

    def pytest_sessionfinish(self) -> None:
        """Say in the summary how the run's drills compare with earlier runs."""
        run = self._config.stash[RUN]
        if self._history is None or self._facts is None or run.summary is None or self._trouble:
            return
        with self._forgiving("drills are not compared with earlier runs"):
            run.summary.compare(_changes(self._history, self._facts))

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


def _provisional(drill: DrillVerdict) -> DrillVerdict:
    from muster.verdict import Verdict

    if drill.verdict is not Verdict.MET:
        return drill
    return drill.model_copy(update={"verdict": Verdict.UNKNOWN, "why": UNFINISHED})


def _changes(history: History, run: RunFacts) -> list[ChangeEntry]:
    """How each drill of a run compares with the earlier ones of its like: same system, cluster, kind of evidence."""
    from muster.history.overview import group
    from muster.history.query import Filters
    from muster.history.regression import RUNS_NEEDED, regression, regression_line
    from muster.report.summary import ChangeEntry

    scope = Filters(system=run.system, cluster=run.cluster, evidence=run.evidence)
    found = []
    for (_, name), drills in group(history.drills(scope)).items():
        mine = [drill for drill in drills if drill.run == run.id]
        if not mine:
            continue
        told = regression([*(drill for drill in drills if drill.started < run.started), *mine])
        found.append(
            ChangeEntry(
                name=name,
                regression=told.found,
                earlier_runs=told.runs,
                needed_runs=RUNS_NEEDED,
                latest_s=told.latest_s,
                earlier_median_s=told.median_s,
                earlier_max_s=told.max_s,
                chance=told.chance,
                why=f"{name}: {regression_line(told)}",
            )
        )
    return found
