"""The parts of what the terminal shows, without a session: progress, panel, lines, table, and the shared screen."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.base.timeline import Event
from muster.plugin.terminal.lines import line_of
from muster.plugin.terminal.panel import Canvas, render
from muster.plugin.terminal.progress import Progress
from muster.plugin.terminal.screen import Screen
from muster.plugin.terminal.table import result_lines, table
from muster.plugin.terminal.words import one_line
from muster.verdict.testing import EPOCH, DrillStory, Outage

PHASES = [(0.0, "load"), (1.0, "steady"), (5.0, "inject"), (6.0, "recover"), (11.8, "good")]


def progress_at(seconds: float, worker: str = "", **changes: Any) -> Progress:
    """A told drill, as far as it is after so many seconds."""
    progress = Progress("db_failure", about="The standby takes over.", severity="P1", worker=worker, began=EPOCH - 4)
    for event in story(**changes):
        if event["t"] <= EPOCH + seconds:
            progress.apply(event)
    return progress


def story(**changes: Any) -> list[Event]:
    phases = [{"t": EPOCH + t, "kind": "phase", "phase": phase, "detail": ""} for t, phase in PHASES]
    return sorted([*phases, *DrillStory(**changes).events()], key=lambda event: event["t"])


def test_phases_follow_each_other_and_take_their_time() -> None:
    progress = progress_at(12.0)
    assert [phase.name for phase in progress.phases] == ["deploy", "load", "steady", "inject", "recover", "good"]
    assert [round(phase.took(EPOCH + 12), 1) for phase in progress.phases] == [4.0, 1.0, 4.0, 1.0, 5.8, 0.2]


def test_rates_are_those_of_the_last_second() -> None:
    well, ill = progress_at(4.0).rates(EPOCH + 4), progress_at(8.0).rates(EPOCH + 8)
    assert well.requests == pytest.approx(50, abs=2)
    assert (well.errors, well.refused) == (0, 0)
    assert well.p95_s == pytest.approx(0.01, rel=0.5)
    assert ill.errors == pytest.approx(50 + 20 + 20, abs=4)
    assert ill.p95_s is None


def test_refusals_of_excess_load_are_no_errors_where_an_overload_is_declared() -> None:
    shed = [Outage(5.2, 11.7, "shed")]
    plain = progress_at(8.0, outages=shed).rates(EPOCH + 8)
    overload = progress_at(8.0, outages=shed, declared={"overload": True}).rates(EPOCH + 8)
    assert plain.errors == plain.refused > 0
    assert overload.refused > overload.errors == 0


def test_without_any_request_rates_are_nothing() -> None:
    assert progress_at(-1.0).rates(EPOCH).p95_s is None


def test_the_clock_of_the_fault_stands_still_once_service_held() -> None:
    declared = {"hold_s": 5.0}
    assert progress_at(4.0).since_fault_s(EPOCH + 4) is None
    assert progress_at(9.0, declared=declared).since_fault_s(EPOCH + 9) == pytest.approx(4.0)
    assert progress_at(20.0, declared=declared).since_fault_s(EPOCH + 20) == pytest.approx(17.0 - 5.0 - 5.0)


def test_the_running_recovery_step_is_shown_with_its_time() -> None:
    shown = "\n".join(render([progress_at(9.0)], EPOCH + 9, Canvas(80, 24, colour=False)))
    assert "✓ fence 0.3  ▸ promote 2.7 s" in shown
    assert "fault +4.0 s, landed +0.2" in shown


def test_a_budget_that_is_used_up_is_said_in_words() -> None:
    progress = progress_at(9.0, declared={"rto_budget_s": 2.0})
    assert "2 s, OVER" in "\n".join(render([progress], EPOCH + 9, Canvas(80, 24, colour=False)))


@settings(max_examples=40)
@given(
    seconds=st.floats(-3, 30),
    columns=st.integers(20, 200),
    rows=st.integers(5, 60),
    colour=st.booleans(),
    unicode=st.booleans(),
    workers=st.sampled_from([[""], ["gw0"], ["gw0", "gw1"]]),
)
def test_a_panel_fits_its_terminal(
    seconds: float, columns: int, rows: int, *, colour: bool, unicode: bool, workers: list[str]
) -> None:
    running = [STORIES_AT[int(seconds)][worker] for worker in workers]
    lines = render(running, EPOCH + seconds, Canvas(columns, rows, colour, unicode))
    assert 0 < len(lines) < rows
    plain = [one_line(line) for line in lines]
    assert max(map(len, plain)) < columns
    assert ("\x1b" in "".join(lines)) <= colour
    if not unicode and columns > 60:
        assert "".join(lines).isascii()


# Rendering changes no progress but what it forgets of old requests, so these are told once.
STORIES_AT = {
    second: {worker: progress_at(second, worker) for worker in ("", "gw0", "gw1")} for second in range(-3, 31, 1)
}


def test_nothing_running_is_no_panel() -> None:
    assert render([], 0.0, Canvas(80, 24, colour=True)) == []


def test_a_failed_step_says_why_on_its_line() -> None:
    progress = progress_at(6.2)
    event = {"t": EPOCH + 6.3, "kind": "recovery.step", "step": "fence", "state": "failed", "detail": "no\nanswer"}
    progress.apply(event)
    line = line_of(progress, event)
    assert line is not None
    assert line.endswith("  step fence failed in 0.3 s: no answer")


DRILLS = ("pod_crash", "high_load", "db_failure", "config_corruption", "full_outage", "agent_failure", "workflow_reset")


@pytest.mark.parametrize(("width", "recovered_by"), [(80, True), (60, False), (40, False)])
def test_the_table_fits_the_width(width: int, recovered_by: bool) -> None:
    more = ("12.45 [12.40, 12.52]", "120 s", "repair-crashed-pods", "0 of 4120")
    rows = [("? unknown", name, *more) for name in DRILLS]
    lines = [line for _, line in table(rows, width)]
    assert ("recovered" in lines[0]) == recovered_by
    words = {word for line in lines for word in line.split()}
    assert words >= {"pod_crash", "high_load", "db_failure"}
    assert words & {"corruption", "config_corruption"}, "names are broken between words"
    assert width == 40 or max(map(len, lines)) < width


def test_a_wide_table_breaks_nothing() -> None:
    row = ("✓ met", "db_failure", "6.60 [6.60, 6.66]", "30 s", "promote-standby", "0 of 470")
    (_, header), (number, line) = table([row], 120)
    assert header.split() == ["verdict", "drill", "RTO", "s", "[low,", "high]", "budget", "recovered", "by", "lost"]
    assert (number, line) == (0, "  ".join(["✓ met  ", *row[1:3], "30 s  ", *row[4:]]))


def test_a_result_is_marked_by_symbol_and_word_in_what_the_output_can_write() -> None:
    entry = {"verdict": "missed", "name": "db_failure", "why": "RTO 7.81 s > budget 5 s", "recovered_by": None}
    assert result_lines(entry, 80, "utf-8") == ["  ✗ MISSED db_failure: RTO 7.81 s > budget 5 s"]
    assert result_lines(entry, 80, "ascii") == ["  x MISSED db_failure: RTO 7.81 s > budget 5 s"]


def test_texts_from_elsewhere_cannot_move_the_cursor() -> None:
    assert one_line("a\x1b[2Jb\r\nc\x07") == "ab c"


words = st.text("abc é漢", max_size=30)
acts = st.one_of(
    st.tuples(st.just("write"), st.one_of(words, words.map(lambda text: text + "\n"))),
    st.tuples(st.just("draw"), st.lists(st.text("═x", min_size=1, max_size=70), min_size=1, max_size=4)),
    st.tuples(st.just("erase"), st.none()),
)


@settings(max_examples=50)
@given(st.lists(acts, max_size=10))
def test_a_panel_that_is_gone_leaves_exactly_what_pytest_wrote(happened: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "terminal"
        with path.open("a", encoding="utf-8") as file:
            screen = Screen(file)
            for act, argument in happened:
                (getattr(screen, act)(argument) if act != "erase" else screen.erase())
            screen.close()
        expected = "".join(argument for act, argument in happened if act == "write")
        assert shown(path.read_bytes().decode()) == shown(expected)


def test_a_panel_at_the_bottom_of_the_terminal_scrolls_no_line_away_twice() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "terminal"
        with path.open("a", encoding="utf-8") as file:
            screen = Screen(file)
            screen.write("".join(f"line {number}\n" for number in range(9)) + "drills/test_it.py ")
            for seconds in range(5):
                screen.draw([f"panel {seconds}", "=" * 79, "phase", "bar"])
            screen.write(".\n")
            screen.close()
        lines, column, row = shown(path.read_bytes().decode(), rows=10)
    assert lines[:6] == ["line 4", "line 5", "line 6", "line 7", "line 8", "drills/test_it.py ."]
    assert (column, row) == (0, 6)
    assert not any("panel" in line for line in lines)


def shown(text: str, rows: int = 60) -> tuple[list[str], int, int]:
    """What a terminal of 80 columns shows, and where its cursor stands."""
    terminal = pyte.Screen(80, rows)
    pyte.Stream(terminal).feed(text.replace("\n", "\r\n"))
    return [line.rstrip() for line in terminal.display], terminal.cursor.x % 80, terminal.cursor.y
