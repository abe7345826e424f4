"""A drill's verdict as a pytest outcome: missed is a failure, unknown a failure with a letter and a word of its own."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.errors import MusterError, UsageError
from muster.plugin.declare import drill_name, is_drill
from muster.plugin.errors import HeldBefore, InterruptedDrillError, UnknownVerdict
from muster.plugin.fixtures import DRILL, TOLD
from muster.plugin.harmless import harmless, notices
from muster.plugin.killed import entry_of_killed
from muster.plugin.machines import tell
from muster.plugin.repeat import repetition_of
from muster.plugin.results import label_skipped, settle, tell_drill
from muster.plugin.run import RUN

if TYPE_CHECKING:
    from muster.drill import Drill
    from muster.objectives.declaration import Repetition
    from muster.verdict import DrillVerdict

ENTRY = pytest.StashKey[dict[str, Any]]()
FAILED = pytest.StashKey[str]()
AGAIN = "a drill is held once in a session, whatever runs failed tests again; --repeat holds it several times"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have no warning end a drill, from its setting up to its last report."""
    if not is_drill(item):
        return (yield)
    with notices():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold no drill that cannot be held, before a cluster is there for it, and none twice in a session: what runs a
    failed test again would hide the verdict of the first time."""
    if not is_drill(item):
        return
    run = item.config.stash[RUN]
    if problem := run.problems.get(item.nodeid):
        raise UsageError(problem)
    if ENTRY in item.stash:
        raise HeldBefore(item.stash.get(FAILED, item.stash[ENTRY]["why"]))
    timeline = run.directory / f"{drill_name(item)}.jsonl"
    if timeline.exists():  # another worker began, and was killed
        item.stash[ENTRY] = entry_of_killed(run, item.nodeid, drill_name(item))
        raise HeldBefore(item.stash[ENTRY]["why"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Conclude the drill in the call phase, so that its verdict is the test's outcome."""
    if not is_drill(item):
        return (yield)
    error: BaseException | None = None
    try:
        result = yield
    except (KeyboardInterrupt, pytest.exit.Exception) as stop:
        # A drill that is cut short is reported as any other, and is the session's last.
        item.session.shouldstop = f"interrupted ({str(stop) or 'Ctrl-C'})"
        error, result = InterruptedDrillError(f"interrupted ({str(stop) or 'Ctrl-C'})"), None
    except BaseException as raised:  # noqa: BLE001 - whatever ended the body ends the drill, and is told
        error, result = raised, None
    _conclude(item, error)
    if error is not None and not isinstance(error, MusterError):
        raise error
    return result


def _conclude(item: pytest.Item, error: BaseException | None) -> None:
    """Judge, record, and raise unless the drill met its objectives."""
    from muster.report import failure_message
    from muster.verdict import Verdict

    drill = item.stash.get(DRILL, None)
    if drill is None:
        raise UnknownVerdict(f"UNKNOWN {drill_name(item)}: it is marked as a drill but uses none of its fixtures")
    verdict = drill.conclude(error)
    verdict.repetition = _repetition(item)
    _illustrate(drill, verdict)
    entry = verdict.to_json()
    item.stash[ENTRY] = entry
    message = "\n".join([failure_message(verdict), *_undone(drill)])
    tell_drill(item, drill, verdict, error)
    if verdict.verdict is Verdict.MET and error is None:
        return
    item.stash[FAILED] = message
    if error is not None and not isinstance(error, MusterError):
        return
    if verdict.verdict is Verdict.MISSED:
        pytest.fail(message, pytrace=False)
    raise UnknownVerdict(message)


def _undone(drill: Drill) -> list[str]:
    """What became of the fault, for a person who wonders whether it is still there."""
    drill.pump()
    done = [event for event in drill.live.events if event["kind"] == "fault.undone"]
    texts = [f"fault undone: {text}" for event in done for text in event["undone"]]
    return texts + [f"fault left as it is: {text}" for event in done for text in event["left"]]


def _illustrate(drill: Drill, verdict: DrillVerdict) -> None:
    """Name the drill's files in its entry, and draw its picture; what fails here changes no verdict."""
    from muster.report import draw
    from muster.report.columns import write_columns
    from muster.verdict.reading.saved import read_saved

    verdict.timeline = os.path.relpath(drill.timeline_path, drill.project.root)
    picture = drill.timeline_path.with_suffix(".svg")
    with harmless(f"the picture of {verdict.name} cannot be drawn"):
        saved = read_saved(drill.timeline_path)
        write_columns(saved, drill.timeline_path)
        picture.write_text(draw(saved, verdict))
        verdict.picture = os.path.relpath(picture, drill.project.root)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the drill's entry along with the report, and put the three lines for people first.

    The outermost of all wrappers: what `xfail` and `skip` make of a drill that is not met is taken back.
    """
    report = yield
    if is_drill(item):
        _report(item, call, report)
    return report


def _report(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    if call.when == "setup" and not report.passed:
        _report_setup(item, call, report)
    elif call.when == "call":
        _report_call(item, call, report)
    elif call.when == "teardown" and report.failed and ENTRY in item.stash:
        item.stash[ENTRY] = _spoilt(item.stash[ENTRY], call)
        report.muster_entry = item.stash[ENTRY]  # type: ignore[attr-defined]
    if told := item.stash.get(TOLD, None):
        report.muster_told = told  # type: ignore[attr-defined]
    if hasattr(report, "muster_entry"):
        settle(item, report.muster_entry, call, report.longreprtext)
        tell(item, report, report.muster_entry)


def _report_setup(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """A drill whose setting up failed is unknown; one that is skipped did not run, which is told, too."""
    error = call.excinfo.value if call.excinfo else None
    if report.skipped:
        report.muster_not_run = (drill_name(item), f"skipped: {error}")  # type: ignore[attr-defined]
        label_skipped(item, _never_ran(item, "skipped"))
        return
    why = str(error).strip() or type(error).__name__
    if isinstance(error, (MusterError, UnknownVerdict, pytest.fail.Exception)):
        report.longrepr = why
    if isinstance(error, HeldBefore):
        _report_again(item, report)
        return
    item.stash[ENTRY] = _never_ran(item, why.splitlines()[0])
    report.muster_entry = item.stash[ENTRY]  # type: ignore[attr-defined]


def _report_again(item: pytest.Item, report: pytest.TestReport) -> None:
    """What is said of a drill the first time is said of it every time."""
    entry = item.stash[ENTRY]
    if entry["verdict"] == "met":
        entry = {**entry, "verdict": "unknown", "why": AGAIN, "reasons": [AGAIN, *entry["reasons"]]}
        item.stash[ENTRY] = entry
    report.muster_entry = entry  # type: ignore[attr-defined]
    report.longrepr = f"{report.longrepr}\nnot held again: {AGAIN}"


def _report_call(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    error = call.excinfo.value if call.excinfo else None
    entry = item.stash.get(ENTRY, None)
    if entry is None and error is not None:
        entry = _never_ran(item, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
    if entry is None:
        return
    report.muster_entry = entry  # type: ignore[attr-defined]
    if entry["verdict"] == "met" and not report.skipped:
        return
    # Missed and unknown are failures, and never a skip (docs/measurement.md, Outcomes in pytest).
    report.outcome = "failed"
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    message = item.stash.get(FAILED, None) or f"UNKNOWN {drill_name(item)}: {entry['why']}"
    own = isinstance(error, (UnknownVerdict, pytest.fail.Exception, pytest.skip.Exception))
    report.longrepr = message if own or error is None else f"{message}\n\n{report.longreprtext}"


def _spoilt(entry: dict[str, Any], call: pytest.CallInfo[None]) -> dict[str, Any]:
    """The entry of a drill whose tearing down failed: nobody knows what is still in force, so it is not met."""
    why = f"tearing down failed: {call.excinfo.value if call.excinfo else 'no reason given'}"
    if entry["verdict"] != "met":
        return entry
    return {**entry, "verdict": "unknown", "why": why, "reasons": [why, *entry["reasons"]]}


def _repetition(item: pytest.Item) -> Repetition | None:
    """Which repetition a drill is, known even of one whose timeline says nothing."""
    from muster.objectives.declaration import Repetition

    found = repetition_of(drill_name(item), item.config.stash[RUN].options.repeat)
    return None if found is None else Repetition(**found)


def _never_ran(item: pytest.Item, why: str) -> dict[str, Any]:
    """The entry of a drill that was never begun: unknown, with the reason in one line."""
    from muster.verdict import DrillVerdict

    marker = item.get_closest_marker("drill")
    severity = marker.kwargs.get("severity") if marker else None
    return DrillVerdict(
        name=drill_name(item),
        nodeid=item.nodeid,
        severity=severity if isinstance(severity, str) else None,
        repetition=_repetition(item),
        why=f"not run: {why}",
    ).to_json()
