"""A drill is held once in a session, whatever runs failed tests again: all that is told of it is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.told import run

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

BETTER_THE_SECOND_TIME = """
@marked()
def test_b(drill):
    tried = drill.project.root / "tried"
    if not tried.exists():
        tried.touch()
        drill.story = {"rto_budget_s": 1.0}
"""
KILLED_THE_FIRST_TIME = """
import orjson
from muster.base.timeline import Timeline

@marked()
def test_b(drill, request):
    from muster.plugin.run import RUN
    tried = drill.project.root / "tried"
    if not tried.exists():
        tried.touch()
        told = DrillStory(declared={"name": "b", "nodeid": request.node.nodeid, "rto_budget_s": %s}).events()
        with Timeline(request.config.stash[RUN].directory / "b.jsonl") as timeline:
            timeline.append_lines(orjson.dumps(event) for event in told if event["kind"] != "ended")
        os.kill(os.getpid(), 9)

from muster.verdict.testing import DrillStory
"""


def assert_all_say(project: DrillProject, verdict: str, told: tuple[int, dict[str, object], str]) -> None:
    code, summary, output = told
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert summary["verdict"] == verdict, output
    drills = summary["drills"]
    assert isinstance(drills, list)
    assert {entry["name"]: entry["verdict"] for entry in drills}["b"] == verdict, output
    rows = [line.split()[1] for line in output.splitlines() if line.startswith(("✓", "✗", "?")) and " b " in line]
    assert rows == [verdict], output
    (suite,) = ET.parse(project.root / "junit.xml").getroot()
    assert int(suite.get("failures", "0")) + int(suite.get("errors", "0")) >= 1


def test_a_miss_is_not_made_good_by_a_second_time(drill_project: DrillProject) -> None:
    told = run(drill_project, BETTER_THE_SECOND_TIME, "--reruns", "1", "--junitxml=junit.xml", "-p", "rerunfailures")
    assert_all_say(drill_project, "missed", told)
    assert "not held again: a drill is held once in a session" in told[2]


@pytest.mark.parametrize(("budget", "verdict"), [("1.0", "missed"), ("30.0", "unknown")])
def test_a_drill_whose_worker_was_killed_is_what_its_timeline_says(
    drill_project: DrillProject, budget: str, verdict: str
) -> None:
    told = run(
        drill_project,
        KILLED_THE_FIRST_TIME % budget,
        "-n",
        "1",
        "--reruns",
        "1",
        "--junitxml=junit.xml",
        "-k",
        "test_b",
    )
    assert_all_say(drill_project, verdict, told)
    (entry,) = told[1]["drills"]
    assert "its worker was killed while the drill ran" in entry["reasons"]
