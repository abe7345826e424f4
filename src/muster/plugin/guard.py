"""Keeps an older green from standing for a session that comes to no run of drills (see `muster.base.asked`).

An entry point of its own, so that `-p no:muster` leaves it in place. Nothing here knows a drill from a test but by its
marker: the rest of the plugin may be missing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from muster.base.asked import LATEST, ask, explain

# Options with which pytest only tells something. Editors ask so all day long, and mean no run.
RUNS_NOTHING = (
    *("collectonly", "help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow"),
    *("drill_plan", "previewed", "checked"),
)
CAME_TO_ITS_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


NOTE = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("muster", "emergency drills")
    group.addoption("--reports", metavar="DIR", help="where runs are reported (default: reports/)")


def reports_of(config: pytest.Config, said: str | None) -> Path:
    """Where a session reports its runs."""
    return (config.invocation_params.dir / said) if said else config.rootpath / "reports"


def runs_nothing(options: object) -> bool:
    """Whether options of pytest ask it to tell something, and to run nothing."""
    return any(getattr(options, name, None) for name in RUNS_NOTHING)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """First of all: before a conftest.py is imported, and before an option that there is not is noticed."""
    known = early_config.known_args_namespace
    if runs_nothing(known) or "PYTEST_XDIST_WORKER" in os.environ:
        return
    note = ask(reports_of(early_config, known.reports))
    if note is not None:
        early_config.stash[NOTE] = note


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    note = config.stash.get(NOTE, None)
    if note is not None:
        config.pluginmanager.register(Guard(config, note), "muster-guard-of-session")


class Guard:
    """Watches whether a session concerns drills, and takes its note back where nothing says so."""

    def __init__(self, config: pytest.Config, note: Path) -> None:
        self._config, self._note = config, note
        self._concerns = _earlier_drills(config)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._concerns.append(f"{report.nodeid or 'something'} cannot be collected, and may hold drills")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """See what there is before anything is deselected."""
        if any(item.get_closest_marker("drill") for item in items):
            off = "" if self._config.pluginmanager.hasplugin("muster") else ": muster's plugin was switched off"
            self._concerns.append(f"it collected drills, and held none{off}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Only a session that has collected what it was asked for comes here."""
        if not self._distributes():
            self._settle()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self._distributes() and not self._config.pluginmanager.hasplugin("muster"):
            self._concerns.append("its workers may have collected drills, and muster's plugin was switched off")
        if exitstatus in CAME_TO_ITS_END:
            self._settle()

    def _distributes(self) -> bool:
        """Whether xdist workers collect."""
        return self._config.pluginmanager.hasplugin("dsession")

    def _settle(self) -> None:
        """Take the note back, or have it say why it stays."""
        if self._concerns:
            explain(self._note, self._concerns[-1])
        else:
            self._note.unlink(missing_ok=True)


def _earlier_drills(config: pytest.Config) -> list[str]:
    """A sentence if the command line looks where the latest run held drills, whatever is found there this time."""
    reports = reports_of(config, config.option.reports)
    try:
        drills = json.loads((reports / LATEST / "summary.json").read_bytes())["drills"]
        files = {config.rootpath / str(drill["nodeid"]).split("::", 1)[0] for drill in drills if drill.get("nodeid")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ["nobody can say where the drills of the latest run are: its summary cannot be read"]
    looked_at = [config.invocation_params.dir / str(argument).split("::", 1)[0] for argument in config.args]
    if any(_within(file, place) for file in files for place in looked_at):
        return ["it was to look where the latest run held drills, and held none"]
    return []


def _within(file: Path, place: Path) -> bool:
    file, place = file.resolve(), place.resolve()
    return file == place or place in file.parents
