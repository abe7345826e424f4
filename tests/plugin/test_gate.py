"""What a gate and a calendar ask of a session: drills by cadence, drills that must have run, and the plan."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.told import run, tell

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

MORE = """
@marked(cadence="monthly")
def test_each_month(drill):
    pass

@marked(cadence="yearly", budget_s=30)
def test_each_year(drill):
    pass

def test_no_drill():
    raise AssertionError("must not run")
"""


def names(summary: dict[str, list[dict[str, str]]], key: str = "drills") -> list[str]:
    return sorted(entry["name"] for entry in summary[key])


@pytest.mark.parametrize(
    ("cadence", "held"),
    [("monthly", ["each_month"]), ("monthly,yearly", ["each_month", "each_year"]), ("quarterly", [])],
)
def test_by_cadence(drill_project: DrillProject, cadence: str, held: list[str]) -> None:
    code, summary, output = run(drill_project, MORE, "--cadence", cadence)
    assert names(summary) == held, output
    assert names(summary, "not_run") == sorted({"met", "each_month", "each_year"} - set(held))
    assert (code, summary["verdict"]) == ((0, "met") if held else (pytest.ExitCode.NO_TESTS_COLLECTED, "unknown"))


def test_by_cadence_in_workers(drill_project: DrillProject) -> None:
    _, summary, output = run(drill_project, MORE, "--cadence", "yearly", "-n", "2")
    assert (names(summary), summary["verdict"]) == (["each_year"], "met"), output


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_required_drill_that_is_left_out_makes_the_run_unknown(
    drill_project: DrillProject, workers: tuple[str, ...]
) -> None:
    arguments = ("-k", "test_met", *workers)
    _, summary, output = run(drill_project, MORE, *arguments, "--require", "each_year")
    assert (summary["verdict"], summary["why"]) == ("unknown", "required but not run: each_year"), output
    _, summary, _ = run(drill_project, MORE, *arguments, "--require", "met")
    assert summary["verdict"] == "met"


def test_all_are_all_of_the_project_wherever_the_command_line_looks(drill_project: DrillProject) -> None:
    run(drill_project, MORE)
    other = (drill_project.root / "drills/test_it.py").read_text().replace("def test_", "def test_other_")
    drill_project.write("drills/test_more.py", other)
    drill_project.pytest("drills/test_it.py::test_met", "--require", "all")
    summary = drill_project.summary()
    assert summary["verdict"] == "unknown"
    assert sorted(summary["required"]) == sorted(
        f"{prefix}{name}" for prefix in ("", "other_") for name in ("met", "each_month", "each_year")
    )


def test_all_includes_what_a_file_holds_that_is_skipped_as_a_whole(drill_project: DrillProject) -> None:
    drill_project.write("drills/later.py", "import pytest\npytest.skip('later', allow_module_level=True)\n")
    run(drill_project, "")
    (drill_project.root / "drills/later.py").rename(drill_project.root / "drills/test_later.py")
    drill_project.pytest("drills/test_it.py", "--require", "all")
    summary = drill_project.summary()
    assert (summary["verdict"], summary["why"]) == ("unknown", "required but not run: drills/test_later.py")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--require", "each_yer"), "--require: drill 'each_yer' not found (there are: each_month, each_year, met)"),
        (("-n", "1", "--dist", "each"), "--dist each would hold each drill in every worker at once"),
        (("--cadence", "weekly"), "--cadence: 'weekly' is not known (there are: monthly, quarterly, yearly)"),
    ],
)
def test_what_does_not_exist_is_refused(drill_project: DrillProject, arguments: tuple[str, ...], message: str) -> None:
    tell(drill_project, MORE)
    session = drill_project.pytest("drills", *arguments)
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert message in session.output
    assert "Traceback" not in session.output


def test_the_plan_is_all_that_is_declared_and_nothing_is_run(drill_project: DrillProject) -> None:
    run(drill_project, MORE)
    before = drill_project.summary()["started"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("muster")), "plan", "--json"],
        cwd=drill_project.root,
        env=drill_project.environment(PYTEST_ADDOPTS="-k nothing --require all"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    drills = {drill["name"]: drill for drill in json.loads(done.stdout)["drills"]}
    assert sorted(drills) == ["each_month", "each_year", "met"]
    assert drills["each_year"] == {
        "name": "each_year",
        "nodeid": "drills/test_it.py::test_each_year",
        "severity": "P1",
        "cadence": "yearly",
        "fault": "pod-crash",
        "load": "steady",
        "recovery": "repair-crashed-pods",
        "budget_s": 30,
    }
    assert drill_project.summary()["started"] == before


@pytest.mark.parametrize("nothing", ["", " , "])
def test_a_gate_that_insists_on_nothing_is_refused(drill_project: DrillProject, nothing: str) -> None:
    code, summary, output = run(drill_project, "", "--require", nothing)
    assert (code, summary["verdict"]) == (pytest.ExitCode.USAGE_ERROR, "unknown"), output
    assert "--require names no drill; right would be NAME[,NAME] or 'all'" in output
