"""The drills as they are shipped: all met, for the right reasons, and everything that a run leaves behind."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.drill_project import ROOT

from muster.base.timeline import read_timeline
from muster.verdict import judge

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

RECOVERED_BY = {
    "agent_coordination": "repair-agent-coordination",
    "agent_failure": "platform",
    "config_corruption": "restore-configuration",
    "config_corruption_wrong": "restore-configuration",
    "database_unreachable": "repair-database-connection",
    "db_failure": "promote-standby",
    "detection": "full-restart",
    "full_outage": "full-restart",
    "high_load": "add-capacity",
    "password_rotated": "repair-database-connection",
    "pod_crash": "repair-crashed-pods",
    "service_hang": "restart-service",
    "workflow_reset": "reset-workflow-state",
}
# Held by `make drill-releases`: each takes longer than those of emergencies.
OF_RELEASES = (
    *("release_crashes", "release_errs", "release_errs_on_one_kind", "release_has_incompatible_agents"),
    *("release_is_good", "release_is_slow", "release_leaks", "release_loses_writes", "release_that_is_not_seen"),
    *("release_whose_watcher_dies", "rollback_under_high_load", "rollback_while_the_database_fails_over"),
)
SET_BY_THE_PLUGIN = ("timeline", "picture")


def assert_met(entry: dict[str, Any], output: str) -> None:
    assert entry["verdict"] == "met", output
    assert entry["fault"]["landed"] is True
    assert entry["recovered_by"] == RECOVERED_BY[entry["name"]]
    rto = entry["rto"]
    assert rto["low_s"] <= rto["value_s"] <= rto["high_s"] <= rto["budget_s"] < rto["target_s"]
    assert entry["rpo"]["lost_writes"] == 0
    assert entry["rpo"]["acknowledged_last_second"] >= 20
    assert entry["rpo"]["counts"] is True
    assert {slo["window"] for slo in entry["slo"] if slo["verdict"] == "met"} >= {"before", "after"}


# Its load takes what a fast machine has; on a slow one nothing is proved, and it says so.
WANTS_A_FAST_MACHINE = {"high_load"}
# Where these are not installed, nobody could be told of anything.
WANTS_PROGRAMS = set() if shutil.which("prometheus") and shutil.which("amtool") else {"detection"}


@pytest.mark.whole_machine
def test_a_drill_is_met_and_what_it_leaves_behind_says_why(
    drill_project: DrillProject, pytestconfig: pytest.Config
) -> None:
    """One of them, drawn: `make drill` holds them all, one after the other."""
    drawn = random.Random(pytestconfig.option.sabotage_seed).choice(
        sorted(RECOVERED_BY.keys() - WANTS_A_FAST_MACHINE - WANTS_PROGRAMS)
    )
    session = drill_project.pytest(node_of(drawn), timeout=600)
    summary = drill_project.summary()
    assert session.code == 0, session.output
    assert (summary["verdict"], summary["evidence"], summary["system"]) == ("met", "rehearsal", "enhancer")
    (entry,) = summary["drills"]
    assert entry["name"] == drawn
    assert_met(entry, session.output)
    again = judge(read_timeline(drill_project.root / entry["timeline"])).to_json()
    assert {**again, **{key: entry[key] for key in SET_BY_THE_PLUGIN}} == entry
    assert (drill_project.root / entry["picture"]).read_text().startswith("<svg")
    assert_allure_has(drill_project.root / "reports/allure-results", {drawn})


QUIET = """
import pytest

@pytest.mark.drill(severity="P3", fault="pod-crash", recovery=None, budget_s=60)
@pytest.mark.parametrize("number", [1, 2])
def test_quiet(system, number):
    with system.ledger():
        pass
"""


def test_each_worker_has_a_cluster_of_its_own(drill_project: DrillProject) -> None:
    """Without load: two drills of the whole load at once want a machine that is fast."""
    drill_project.write("drills/test_quiet.py", QUIET)
    session = drill_project.pytest("drills/test_quiet.py", "-n", "2", timeout=600)
    entries = {entry["name"]: entry for entry in drill_project.summary()["drills"]}
    assert entries.keys() == {"quiet-1", "quiet-2"}, session.output
    for entry in entries.values():
        again = judge(read_timeline(drill_project.root / entry["timeline"])).to_json()
        assert {**again, **{key: entry[key] for key in SET_BY_THE_PLUGIN}} == entry
    logs = [path.read_text() for path in (drill_project.root / "reports/latest").glob("cluster-*.log")]
    assert len({log.split()[1] for log in logs}) == 2
    assert len({entry["timeline"] for entry in entries.values()}) == 2


def node_of(drill: str) -> str:
    """Where the drill of a name stands."""
    (path,) = (path for path in (ROOT / "drills").glob("test_*.py") if f"def test_{drill}(" in path.read_text())
    return f"{path.relative_to(ROOT)}::test_{drill}"


def assert_allure_has(directory: Path, drills: set[str]) -> None:
    results = [json.loads(path.read_text()) for path in directory.glob("*-result.json")]
    assert {result["name"].partition(":")[0] for result in results} == drills
    for result in results:
        assert result["status"] == "passed"
        kinds = {step["name"].partition(": ")[0] for step in flat(result["steps"])}
        assert {"fault", "recovery"} <= kinds or (result["name"].startswith("agent_failure") and "fault" in kinds)
        assert "severity" in {label["name"] for label in result["labels"]}
        attached = {attachment["name"] for attachment in result.get("attachments", [])}
        assert {"picture", "load statistics", "events", "verdict", "journal of the experiment"} <= attached
        assert any(name.startswith("timeline ") for name in attached)
    environment = (directory / "environment.properties").read_text()
    for fact in ("evidence=rehearsal", "Kubernetes=v", "image\\ enhancer", "seed=1"):
        assert fact in environment


def flat(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for step in steps for one in [step, *flat(step.get("steps", []))]]


def test_a_deselected_drill_is_said_to_be(drill_project: DrillProject) -> None:
    drill_project.pytest("drills", "-k", "nothing_like_this")
    summary = drill_project.summary()
    assert summary["verdict"] == "unknown"
    assert {left_out["name"]: left_out["why"] for left_out in summary["not_run"]} == dict.fromkeys(
        [*RECOVERED_BY, "disaster", *OF_RELEASES], "deselected"
    )


def test_an_old_green_never_stands_for_a_crashed_session(drill_project: DrillProject) -> None:
    drill_project.write("drills/test_broken.py", "import nothing_like_this\n")
    session = drill_project.pytest("drills")
    assert session.code != 0
    assert drill_project.summary()["verdict"] == "unknown"
