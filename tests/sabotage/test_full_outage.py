"""The drills of the full outage and of stuck workflows are missed where their procedure does nothing, and do not pass
for a proof of it where the platform needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from .test_never_green import run

if TYPE_CHECKING:
    from tests.conftest import DrillProject

PROCEDURES_DO_NOTHING = """
from muster.recovery.full_restart import FullRestart
from muster.recovery.reset_workflows import ResetWorkflows

FullRestart.steps = ResetWorkflows.steps = lambda self, context: []
"""

# Time enough for the platform; and the procedure is begun only when there is nothing left to do.
RECOVERED_LATE = """
import pytest
from muster.base.waiting import wait_for

def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("drill")
        item.add_marker(pytest.mark.drill(**{**marker.kwargs, "budget_s": 120}), append=False)

@pytest.fixture
def recover(recover, drill):
    def late():
        state = drill.state
        wait_for(lambda: not state.unready() and state.replication_trouble() is None,
                 within=100, every=0.5, reason="the platform to bring it up", latest=lambda: str(state.unready()))
        return recover()

    return late
"""
LASTING = {"remember_field", "scale_statefulset", "scale_deployment"}


@pytest.mark.parametrize("drill", ["full_outage", "workflow_reset"])
def test_a_procedure_that_does_nothing_is_a_missed_drill(drill_project: DrillProject, drill: str) -> None:
    session, entry = run(drill_project, drill, PROCEDURES_DO_NOTHING)
    assert entry["verdict"] == "missed", session.output
    assert entry["fault"]["landed"] is True
    assert entry["rto"]["value_s"] is None
    assert entry["rto"]["budget_verdict"] == "missed"
    assert entry["recovered_by"] is None


def test_an_outage_that_the_platform_heals_proves_no_procedure(drill_project: DrillProject) -> None:
    path = drill_project.root / "experiments" / "full-outage.yaml"
    experiment = yaml.safe_load(path.read_text())
    experiment["method"] = [step for step in experiment["method"] if step["provider"]["func"] not in LASTING]
    effect = {"kind": "pods-replaced", "labels": "app in (api, agents, db)", "at_least": 9}
    experiment["extensions"][0]["effect"] = effect
    path.write_text(yaml.safe_dump(experiment))
    drill_project.write("conftest.py", RECOVERED_LATE)
    session = drill_project.pytest("drills", "-k", "full_outage")
    (entry,) = drill_project.summary()["drills"]
    assert session.code == pytest.ExitCode.TESTS_FAILED, session.output
    assert entry["recovered_by"] == "platform", session.output
    assert entry["verdict"] == "unknown"
    assert "full-restart" in entry["why"]
    assert entry["rpo"]["lost_writes"] == 0
