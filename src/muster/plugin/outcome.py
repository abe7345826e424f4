"""A drill's verdict as a pytest outcome: missed is a failure, unknown a failure with a letter and a word of its own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.errors import MusterError
from muster.plugin.declare import drill_name, is_drill
from muster.plugin.fixtures import DRILL
from muster.plugin.run import RUN
from muster.plugin.terminal import summarise

if TYPE_CHECKING:
    from muster.drill import Drill
    from muster.verdict import DrillVerdict

ENTRY = pytest.StashKey[dict[str, Any]]()
FAILED = pytest.StashKey[str]()


class UnknownVerdict(Exception):  # noqa: N818
    """A drill that proved nothing. Not an AssertionError, so that Allure calls it broken, not failed."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Conclude the drill in the call phase, so that its verdict is the test's outcome."""
    if not is_drill(item):
        return (yield)
    error: BaseException | None = None
    try:
        result = yield
    except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):
        raise
    except BaseException as raised:  # noqa: BLE001 - whatever ended the body ends the drill, and is told
        error, result = raised, None
    _conclude(item, error)
    if error is not None and not isinstance(error, MusterError):
        raise error
    return result


def _conclude(item: pytest.Item, error: BaseException | None) -> None:
    """Judge, record, and raise unless the drill met its objectives."""
    from muster.report import failure_message
    from muster.report.attach import attach_drill, label_drill
    from muster.verdict import Verdict

    drill = item.stash.get(DRILL, None)
    if drill is None:
        raise UnknownVerdict(f"UNKNOWN {drill_name(item)}: it is marked as a drill but uses none of its fixtures")
    verdict = drill.conclude(error)
    _illustrate(drill, verdict)
    entry = verdict.to_json()
    item.stash[ENTRY] = entry
    message = failure_message(verdict)
    label_drill(verdict, drill.declaration.system)
    attach_drill(drill.directory, verdict, drill.project.experiments / f"{drill.declaration.fault}.yaml")
    if verdict.verdict is Verdict.MET and error is None:
        return
    item.stash[FAILED] = message
    if error is not None and not isinstance(error, MusterError):
        return
    if verdict.verdict is Verdict.MISSED:
        pytest.fail(message, pytrace=False)
    raise UnknownVerdict(message)


def _illustrate(drill: Drill, verdict: DrillVerdict) -> None:
    """Name the drill's files in its entry, and draw its picture; a picture that fails changes no verdict."""
    from muster.base.timeline import read_timeline
    from muster.report import draw

    verdict.timeline = os.path.relpath(drill.timeline_path, drill.project.root)
    picture = drill.timeline_path.with_suffix(".svg")
    try:
        picture.write_text(draw(read_timeline(drill.timeline_path), verdict))
    except (MusterError, ArithmeticError, LookupError, ValueError, OSError) as error:
        warnings.warn(f"the picture of {verdict.name} cannot be drawn: {error}", stacklevel=2)
        return
    verdict.picture = os.path.relpath(picture, drill.project.root)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the drill's entry along with the report, and put the three lines for people first."""
    report = yield
    if not is_drill(item):
        return report
    entry = item.stash.get(ENTRY, None)
    if call.when == "setup" and report.failed:
        entry = _never_ran(item, report)
    if entry is not None and (call.when == "call" or report.failed):
        report.muster_entry = entry  # type: ignore[attr-defined]
    message = item.stash.get(FAILED, None)
    if call.when == "call" and report.failed and message:
        own = isinstance(call.excinfo.value, (UnknownVerdict, pytest.fail.Exception)) if call.excinfo else False
        report.longrepr = message if own else f"{message}\n\n{report.longreprtext}"
    return report


def _never_ran(item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
    """The entry of a drill whose setting up failed: unknown, with the reason in one line."""
    from muster.verdict import DrillVerdict

    lines = [line for line in report.longreprtext.splitlines() if line.strip()]
    marker = item.get_closest_marker("drill")
    severity = marker.kwargs.get("severity") if marker else None
    why = lines[-1].strip() if lines else "setting up failed"
    return DrillVerdict(name=drill_name(item), nodeid=item.nodeid, severity=severity, why=f"not run: {why}").to_json()


class Recorder:
    """Keeps the summary where there is one: in the controller, or in the only process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Put the drill's entry that a report carries into the summary."""
        entry = getattr(report, "muster_entry", None)
        if entry is not None:
            self._config.stash[RUN].record(entry)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """A letter and a word of its own for unknown."""
        entry = getattr(report, "muster_entry", None)
        if entry is not None and report.failed and entry["verdict"] == "unknown":
            return "unknown", "U", ("UNKNOWN", {"yellow": True})
        return None

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table of drills."""
        summarise(terminalreporter, self._config)
