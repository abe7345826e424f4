"""A recovery procedure that does nothing is a missed drill, whichever it is; one that was not needed is not proved."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.drill_project import ROOT

from muster.recovery.registry import procedures
from muster.verdict import Verdict, judge
from muster.verdict.testing import DrillStory, Outage

if TYPE_CHECKING:
    from .holding import Sabotaged

# After the undo service may come back while the load goes on; on a slow machine it may even hold.
NOT_BACK = r"RTO (open: service not seen good again in [\d.]+ s|at least [\d.]+ s|[\d.]+ s \[).* > budget 4 s"
UNDONE = "service came back only once the fault was undone"
# The procedure that each drill is to prove; those of high_load are in test_high_load.py.
DRILLS = {
    "agent_coordination": "repair-agent-coordination",
    "config_corruption": "restore-configuration",
    "config_corruption_wrong": "restore-configuration",
    "database_unreachable": "repair-database-connection",
    "db_failure": "promote-standby",
    "disaster": "restore-backup",
    "full_outage": "full-restart",
    "password_rotated": "repair-database-connection",
    "pod_crash": "repair-crashed-pods",
    "service_hang": "restart-service",
    "workflow_reset": "reset-workflow-state",
}


@pytest.mark.parametrize(
    "drill", [pytest.param(name, marks=pytest.mark.sabotage("idle_procedure", drill=name)) for name in DRILLS]
)
def test_a_procedure_that_does_nothing_is_a_missed_drill(sabotaged: Sabotaged, drill: str) -> None:
    sabotaged.ends("missed", NOT_BACK)
    assert sabotaged.entry["procedure"] == DRILLS[drill]
    assert sabotaged.entry["recovery_steps"] == []
    assert sabotaged.entry["fault"]["landed"] is True
    assert sabotaged.entry["rto"]["budget_verdict"] == "missed"
    only_undone = any(UNDONE in reason for reason in sabotaged.entry["reasons"])
    assert sabotaged.entry["recovered_by"] == ("undo" if only_undone else None)
    assert (sabotaged.entry["rto"]["value_s"] is None) is not only_undone


@pytest.mark.parametrize(
    "drill",
    [
        pytest.param(name, marks=pytest.mark.sabotage("nothing_kept", drill=name))
        for name in ("config_corruption", "config_corruption_wrong")
    ],
)
def test_a_procedure_that_has_nothing_to_restore_says_so_and_the_drill_is_missed(
    sabotaged: Sabotaged, drill: str
) -> None:
    sabotaged.ends("missed", NOT_BACK)
    assert sabotaged.entry["recovered_by"] is None
    (ended,) = sabotaged.events("recovery.ended")
    assert not ended["ok"]
    assert "no known good version of ConfigMap enhancer-settings is kept" in ended["why"]


@pytest.mark.sabotage("recovered_late", drill="full_outage")
def test_an_outage_that_the_platform_heals_proves_no_procedure(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the platform healed alone, so 'full-restart' is not proved")
    assert sabotaged.entry["recovered_by"] == "platform"
    assert sabotaged.entry["rpo"]["lost_writes"] == 0


@pytest.mark.sabotage("idle_while_the_platform_heals", drill="full_outage")
def test_a_procedure_that_does_nothing_takes_no_credit_from_the_platform(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the platform healed alone, so 'full-restart' is not proved")
    assert sabotaged.entry["recovered_by"] == "platform"


@pytest.mark.sabotage("placebo_while_the_platform_heals", drill="full_outage")
def test_a_placebo_whose_step_is_done_takes_no_credit_from_the_platform(sabotaged: Sabotaged) -> None:
    """It acted before service was good again, so time alone would give it the credit."""
    sabotaged.ends("unknown", "the platform may have healed: all that 'full-restart' changed is .*brings nothing back")
    assert sabotaged.entry["recovered_by"] == "platform?"
    assert [step["state"] for step in sabotaged.entry["recovery_steps"]] == ["done"]
    (change,) = sabotaged.events("recovery.change")
    assert change["object"] == "Deployment/api"
    assert sabotaged.entry["rto"]["value_s"] is not None, "the platform did bring service back"


def test_the_procedures_of_all_drills_are_sabotaged() -> None:
    files = [path.read_text() for path in (ROOT / "drills").glob("test_*.py")]
    invoked = {name for text in files for name in re.findall(r'(?:recovery=|recover\()"([\w-]+)"', text)}
    assert invoked == {*DRILLS.values(), "add-capacity", "release-capacity"}


NO_STEPS: list[tuple[str, float, float, str]] = []
ALL_SKIPPED = [("diagnose", 6.0, 6.0, "skipped"), ("repair", 6.0, 6.1, "skipped")]


@pytest.mark.parametrize(
    ("procedure", "steps"),
    [("restart-service", ALL_SKIPPED), *((procedure.name, NO_STEPS) for procedure in procedures())],
)
def test_no_procedure_is_green_without_doing_anything(
    procedure: str, steps: list[tuple[str, float, float, str]]
) -> None:
    """Also those that no drill invokes: where service stays down, and where the platform brings it back."""
    story = DrillStory(declared={"recovery": procedure, "rto_budget_s": 12.0}, recovery=(6.0, 6.1), steps=steps)
    healed = judge(story.events())
    assert healed.verdict is Verdict.UNKNOWN
    assert f"the platform healed alone, so {procedure!r} is not proved" in healed.reasons
    down = judge(replace(story, outages=[Outage(5.2, 99.0)], good=None).events())
    assert down.verdict is Verdict.MISSED
