"""Whatever a project sets for its pytest, and however that is called, verdicts stay what they are."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.told import HEAD, STORIES, run

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

MISSED = """
@marked()
def test_b(drill):
    import warnings
    warnings.warn("a library is getting old", DeprecationWarning)
    drill.story = {"rto_budget_s": 1.0}
"""


@pytest.mark.parametrize(
    "arguments", [("-o", "filterwarnings=error"), ("-W", "error", "-n", "1")], ids=["filterwarnings", "-W, xdist"]
)
def test_a_warning_that_is_an_error_changes_no_verdict(drill_project: DrillProject, arguments: tuple[str, ...]) -> None:
    """A told drill has no timeline and no cluster: neither its picture nor its pods' logs are to be had."""
    code, summary, output = run(drill_project, MISSED, *arguments)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert {entry["name"]: entry["verdict"] for entry in summary["drills"]} == {"met": "met", "b": "missed"}, output
    assert "the picture of b cannot be drawn" in output


CALLS_PYTEST = """
import signal, threading
import pytest

def own(number, frame):
    pass

signal.signal(signal.SIGTERM, own)
codes = {}

def call(place):
    codes[place] = int(pytest.main(["-q", "-p", "no:cacheprovider", place]))

for place in ("unit", "drills"):
    thread = threading.Thread(target=call, args=(place,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is own
assert codes == {"unit": 0, "drills": 0}, codes
call("unit")
call("other")
assert codes == {"unit": 0, "drills": 0, "other": 0}, codes
assert signal.getsignal(signal.SIGTERM) is own
"""
UNIT = """
import signal

def test_unit():
    assert signal.getsignal(signal.SIGTERM).__name__ == "own"
"""
HEEDS = """
    import signal
    assert signal.getsignal(signal.SIGTERM).__name__ != "own"
"""


def test_pytest_is_called_in_a_thread_and_signals_are_their_owners(drill_project: DrillProject) -> None:
    """Where drills are held in the main thread SIGTERM undoes faults, and only meanwhile."""
    for path in (drill_project.root / "drills").glob("test_*.py"):
        path.unlink()
    drill_project.write("conftest.py", STORIES)
    drill_project.write("drills/test_it.py", HEAD)
    drill_project.write("other/test_other.py", HEAD + HEEDS)
    drill_project.write("unit/test_unit.py", UNIT)
    done = subprocess.run(
        [sys.executable, "-c", CALLS_PYTEST],
        cwd=drill_project.root,
        env=drill_project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
