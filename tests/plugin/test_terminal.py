"""What a person sees: on a terminal a panel that comes and goes, in a log a line per phase, at the end a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.plugin.terminal_support import run_on_terminal, tell_drills

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
MESSAGE = "where it went: recovery began +0.8, fence 0.3, promote 5.3, good again +6.6"


@pytest.fixture(autouse=True)
def told(drill_project: DrillProject) -> DrillProject:
    """Two drills: `met` and `late`, which misses its budget."""
    tell_drills(drill_project)
    return drill_project


def test_on_a_terminal_a_panel_shows_the_drill_and_leaves_its_result(told: DrillProject) -> None:
    met = (
        "met P1",
        "Everything comes back in time.",
        "▸ recovery",
        "▸ promote",
        "errors/s",
        "30 s",
        "pod db-a-0: gone",
    )
    late = ("late P1", "It takes longer than it may.", "▸ promote", "fault +")
    terminal = run_on_terminal(told, shown={"met": met, "late": late})
    assert terminal.seen(*met), terminal.last
    assert terminal.seen(*late), terminal.last
    for gone in ("╭", "▸", "requests/s   ", "printed by the test"):
        assert gone not in terminal.last
    assert "drills/test_told.py .\n  ✓ MET met: RTO 6.61 s" in terminal.last
    assert "drills/test_told.py F\n  ✗ MISSED late: RTO 6.61 s [6.60, 6.66] > budget 1 s" in terminal.last
    assert "✗ missed  late   6.61 [6.60, 6.66]  1 s" in terminal.last
    assert terminal.last.count(MESSAGE) == 1
    assert "evidence: rehearsal: proves the procedure and the instrument, not the RTO" in terminal.last
    assert "report: reports/latest/" in terminal.last
    assert terminal.last.splitlines()[-1].startswith("=")
    assert b"\x1b[32m" in terminal.written
    assert terminal.code == pytest.ExitCode.TESTS_FAILED


def test_a_narrow_terminal_without_colour_is_as_legible(told: DrillProject) -> None:
    met = ("met P1", "▸ recovery", "▸ promote")
    terminal = run_on_terminal(told, "-q", columns=60, shown={"met": met}, NO_COLOR="1")
    assert terminal.seen(*met), terminal.last
    assert re.search(rb"\x1b\[[0-9;]*m", terminal.written) is None
    assert "✗ missed  late   6.61 [6.60, 6.66]  1 s" in terminal.last
    assert "╭" not in terminal.last


@pytest.mark.parametrize(("arguments", "term"), [(("-s",), "xterm"), ((), "dumb")], ids=["-s", "TERM=dumb"])
def test_a_terminal_that_others_write_to_or_that_knows_no_cursor_gets_lines(
    told: DrillProject, arguments: tuple[str, ...], term: str
) -> None:
    terminal = run_on_terminal(told, *arguments, "-v", "--no-header", "-k", "met", TERM=term)
    assert b"\x1b[K" not in terminal.written
    assert re.search(r"^  met +\d+\.\d s  recovering with promote-standby$", terminal.last, re.MULTILINE)
    assert ("printed by the test\n" in terminal.last) == ("-s" in arguments)
    assert re.search(r"^drills/test_told.py::test_met PASSED", terminal.last, re.MULTILINE)


def test_ctrl_c_leaves_the_terminal_clean(told: DrillProject) -> None:
    terminal = run_on_terminal(told, "-v", interrupt_at=("▸ promote",))
    for gone in ("╭", "│", "╰", "^C"):
        assert gone not in terminal.last
    assert "drills/test_told.py::test_met UNKNOWN" in terminal.last
    assert "? unknown  met" in terminal.last
    assert terminal.code == pytest.ExitCode.INTERRUPTED


def test_two_workers_have_a_row_each(told: DrillProject) -> None:
    rows = ("[gw0]", "[gw1]", "met", "late", "errors/s", "30 s", " 1 s")
    terminal = run_on_terminal(told, "-n", "2", shown={"met": rows, "late": rows})
    assert terminal.seen(*rows), terminal.last
    assert "[gw0]" not in terminal.last
    assert "✓ MET met: " in terminal.last
    assert "✗ MISSED late: " in terminal.last
    assert terminal.last.count(MESSAGE) == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two-workers"])
def test_a_log_has_a_line_per_phase_and_step_and_no_control_characters(
    told: DrillProject, workers: tuple[str, ...]
) -> None:
    output = told.pytest("drills", *workers).output
    name = r"\[gw\d\] met" if workers else "met"
    assert CONTROL.search(output) is None
    said = (
        "deploying told",
        "starting load steady at 50 requests/s",
        r"fault landed \(fault \+\d\.\d s\): pod db-a-0 is gone",
        "recovering with promote-standby",
        r"  step promote done in \d\.\d s",
        r"service good again and held \(fault \+\d\.\d s\)",
    )
    lines = [re.search(rf"^  {name} +\d+\.\d s  {text}$", output, re.MULTILINE) for text in said]
    assert all(lines), output
    assert output.count(MESSAGE) == 1
    assert not list((told.root / "reports/latest").glob(".*")), "what was noted for the terminal is gone"


def test_quiet_means_results_only(told: DrillProject) -> None:
    output = told.pytest("drills", "-q").output
    assert "✓ MET met: " in output
    assert "recovering with" not in output


def test_ctrl_c_under_xdist_says_that_nothing_is_proved(told: DrillProject) -> None:
    terminal = run_on_terminal(told, "-n", "1", interrupt_at=("[gw0]", "promote"))
    assert "[gw0]" not in terminal.last
    assert "no drill came to its end: the run's verdict is unknown" in terminal.last


DYING = """
import os
import pytest

@pytest.mark.drill(severity="P1", fault="db-failure", load="steady", recovery="promote-standby")
def test_dying(drill):
    os.kill(os.getpid(), 9)
"""


def test_a_worker_that_dies_leaves_the_panel(told: DrillProject) -> None:
    tell_drills(told, DYING)
    terminal = run_on_terminal(told, "-n", "1", "--max-worker-restart", "0")
    assert "[gw0]   dying" not in terminal.last
    assert "crashed while running" in terminal.last


BROKEN = """
import pytest

@pytest.mark.drill(severity="P1", fault="db-failure", load="steady", recovery="promote-standby")
def test_broken(drill):
    print("what the drill printed")
    assert 1 == 2, "split brain"

def test_of_another_kind():
    assert 3 == 4
"""


def test_a_traceback_follows_the_message_once_and_other_failures_stay_where_pytest_puts_them(
    told: DrillProject,
) -> None:
    tell_drills(told, BROKEN)
    output = told.pytest("drills").output
    failures, drills = output.split("= drills =")
    assert "assert 3 == 4" in failures
    assert "split brain" not in failures.partition("= FAILURES =")[2]
    assert drills.count("\nUNKNOWN broken: ") == 1
    assert "assert 1 == 2" in drills
    assert "what the drill printed" in drills
