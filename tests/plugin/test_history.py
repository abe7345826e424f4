"""What a session leaves in the history, and that a history in trouble changes no verdict."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.told import run

from muster.history import History, RunFacts
from muster.history.query import Filters
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import RtoEntry

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

MISSED = "@marked()\ndef test_b(drill):\n    drill.story = {'rto_budget_s': 1.0}\n"


def kept(file: Path) -> list[tuple[Any, ...]]:
    """Name and verdict of each drill, with its run's verdict and whether that was finished."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(
            "select d.name, d.verdict, r.verdict, r.finished is not null from muster_drills d "
            "join muster_runs r on r.id = d.run_id order by r.started, d.name"
        ).fetchall()


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_every_drill_of_every_run_is_kept(drill_project: DrillProject, arguments: tuple[str, ...]) -> None:
    for _ in range(2):
        _, _, output = run(drill_project, MISSED, *arguments)
    file = drill_project.root / "reports/history.sqlite"
    assert kept(file) == [("b", "missed", "missed", 1), ("met", "met", "missed", 1)] * 2, output
    assert [path.name for path in file.parent.glob("history*")] == ["history.sqlite"]


def test_what_was_concluded_before_an_interruption_is_kept(drill_project: DrillProject) -> None:
    _, summary, output = run(drill_project, "@marked()\ndef test_b(drill):\n    raise KeyboardInterrupt\n")
    assert summary["verdict"] == "unknown"
    found = kept(drill_project.root / "reports/history.sqlite")
    assert found == [("b", "unknown", "unknown", 1), ("met", "met", "unknown", 1)], output


def test_a_drill_that_ran_before_the_session_was_killed_is_kept(drill_project: DrillProject) -> None:
    body = "@marked()\ndef test_b(drill):\n    os.kill(os.getpid(), 9)\n"
    run(drill_project, body)
    assert kept(drill_project.root / "reports/history.sqlite") == [("met", "met", "unknown", 0)]


def test_a_drill_whose_tearing_down_failed_is_kept_as_what_it_is(drill_project: DrillProject) -> None:
    spoils = "@pytest.fixture\ndef bad():\n    yield\n    raise RuntimeError('undo failed')\n"
    run(drill_project, f"{spoils}@marked()\ndef test_b(drill, bad):\n    pass\n")
    assert ("b", "unknown", "unknown", 1) in kept(drill_project.root / "reports/history.sqlite")


def test_a_history_in_trouble_is_told_and_changes_no_verdict(drill_project: DrillProject) -> None:
    drill_project.write("reports/history.sqlite", "no database")
    code, summary, output = run(drill_project, "")
    assert (code, summary["verdict"]) == (0, "met")
    assert "muster: what was rehearsed is not kept in the history, verdicts stand: history" in output
    assert "file is not a database" in output


def test_a_history_is_kept_where_it_is_wanted_or_nowhere(drill_project: DrillProject) -> None:
    run(drill_project, "", "--history", "none")
    run(drill_project, "", "--history", "elsewhere/h.sqlite")
    assert not (drill_project.root / "reports/history.sqlite").exists()
    assert kept(drill_project.root / "elsewhere/h.sqlite") == [("met", "met", "met", 1)]


def test_tests_that_are_no_drills_make_no_history(drill_project: DrillProject) -> None:
    drill_project.write("tests/test_other.py", "def test_other():\n    pass\n")
    assert drill_project.pytest("tests").code == 0
    assert not (drill_project.root / "reports").exists()


def test_a_drill_whose_session_is_killed_while_it_is_put_away_is_green_nowhere(drill_project: DrillProject) -> None:
    body = "@pytest.fixture\ndef last():\n    yield\n    os.kill(os.getpid(), 9)\n"
    run(drill_project, f"{body}@marked()\ndef test_b(drill, last):\n    pass\n")
    assert drill_project.summary()["verdict"] == "unknown"
    found = kept(drill_project.root / "reports/history.sqlite")
    assert found == [("b", "unknown", "unknown", 0), ("met", "met", "unknown", 0)]


def test_a_run_is_compared_with_earlier_ones_of_its_like(drill_project: DrillProject) -> None:
    _, summary, _ = run(drill_project, "")
    (change,) = summary["changes"]
    assert (change["name"], change["regression"], change["earlier_runs"]) == ("met", None, 0)
    address, root = "reports/history.sqlite", drill_project.root
    with History.open(address, root) as history:
        (drill,) = history.drills(Filters())
    (root / address).unlink()
    began = RunFacts("a", "2020-01-01T00:00:00.000Z", drill.system, drill.cluster, drill.evidence, "0")
    told = DrillVerdict(
        name="met", nodeid=drill.nodeid, verdict=Verdict.MET, rto=RtoEntry(value_s=1.0, low_s=0.9, high_s=1.1)
    )
    with History.open(address, root, create=True) as history:
        for number in range(20):
            history.record(replace(began, id=f"run-{number}"), told)
            slow = told.model_copy(update={"rto": RtoEntry(value_s=100.0)})
            history.record(replace(began, id=f"other-{number}", cluster="staging"), slow)
    _, summary, output = run(drill_project, "")
    (change,) = summary["changes"]
    assert (change["regression"], change["earlier_runs"], change["earlier_max_s"]) == (True, 20, 1.0), output
    assert summary["verdict"] == "met"
    assert "met: slower than each of 20 earlier runs: RTO" in output
