"""The drill under high load, sabotaged: it ends missed or unknown.

A third of its scale does: what is proved does not depend on it, and the machine has other tests to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import DrillProject, Session

# A short budget, so that a drill whose service stays down is over soon; the hold and the steady time stay as they are.
SHORT_BUDGET = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("drill")
        item.add_marker(pytest.mark.drill(**{**marker.kwargs, "budget_s": 8}), append=False)
"""

PROCEDURE_DOES_NOTHING = """
from muster.recovery.add_capacity import AddCapacity

AddCapacity.steps = lambda self, context: []
"""

# Whoever turns the dial turns nothing.
LOAD_STAYS = """
from muster.load.run import LoadRun

@pytest.fixture
def inject(inject, drill):
    import os
    path = drill.work / "nowhere.dial"
    os.mkfifo(path)
    nowhere = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    environment = LoadRun.environment
    LoadRun.environment = property(lambda run: {**environment.fget(run), "MUSTER_LOAD_DIAL": str(path)})
    yield inject
    LoadRun.environment = environment
    os.close(nowhere)
"""

SCALE = {
    "systems/enhancer/manifests/30-enhancer-settings.yaml": ("admission_rate: 100", "admission_rate: 60"),
    "experiments/high-load.yaml": ("rate: 600", "rate: 360"),
    "drills/test_high_load.py": ("rate=150", "rate=60"),
}


def change(project: DrillProject, name: str, before: str, after: str) -> None:
    text = (project.root / name).read_text()
    assert text.count(before) == 1, f"{name} has no longer one {before!r}"
    project.write(name, text.replace(before, after))


def run(project: DrillProject, conftest: str = "") -> tuple[Session, dict[str, Any]]:
    """Run the drill, sabotaged, and return its entry."""
    for name, (before, after) in SCALE.items():
        change(project, name, before, after)
    project.write("conftest.py", SHORT_BUDGET + conftest)
    session = project.pytest("drills", "-k", "high_load")
    (entry,) = project.summary()["drills"]
    assert session.code == pytest.ExitCode.TESTS_FAILED, session.output
    return session, entry


def test_a_procedure_that_does_nothing_is_a_missed_drill(drill_project: DrillProject) -> None:
    session, entry = run(drill_project, PROCEDURE_DOES_NOTHING)
    assert entry["verdict"] == "missed", session.output
    assert entry["fault"]["landed"] is True
    assert entry["disruption"]["shed"] > 0
    assert entry["rto"]["value_s"] is None
    assert entry["rto"]["budget_verdict"] == "missed"
    assert entry["recovered_by"] is None
    assert "MISSED high_load: RTO" in session.output


def test_refusals_that_do_not_say_when_to_come_back_are_failures(drill_project: DrillProject) -> None:
    change(drill_project, "systems/enhancer/enhancer/admission.py", '    (b"retry-after", b"1"),\n', "")
    session, entry = run(drill_project)
    assert entry["verdict"] == "missed", session.output
    assert entry["disruption"]["violations"] > 0
    assert entry["disruption"]["shed"] == 0


def test_a_load_that_may_not_rise_is_unknown(drill_project: DrillProject) -> None:
    change(drill_project, "systems/enhancer/system.yaml", "max_requests_per_s: 5000", "max_requests_per_s: 300")
    session, entry = run(drill_project)
    assert entry["verdict"] == "unknown", session.output
    assert entry["fault"]["landed"] is not True
    assert "360 requests/s is more than system.yaml allows" in session.output


def test_a_load_that_silently_does_not_rise_is_unknown(drill_project: DrillProject) -> None:
    change(drill_project, "experiments/high-load.yaml", "more_than: 15", "more_than: 6")
    session, entry = run(drill_project, LOAD_STAYS)
    assert entry["verdict"] == "unknown", session.output
    assert entry["fault"]["landed"] is not True
    assert "fault 'high-load' did not land within 5 s" in session.output
