"""A configuration that stays corrupt is a missed drill: the procedure does nothing, or has nothing to restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from muster.base.timeline import read_timeline

from .test_never_green import SHORT_BUDGET

if TYPE_CHECKING:
    from tests.conftest import DrillProject, Session

BOTH = pytest.mark.parametrize("drill", ["config_corruption", "config_corruption_wrong"])

PROCEDURE_DOES_NOTHING = """
from muster.recovery.restore_configuration import RestoreConfiguration

RestoreConfiguration.steps = lambda self, context: []
"""

# What the drill kept once it was steady is gone when it is needed.
NOTHING_IS_KEPT = """
@pytest.fixture
def recover(recover, drill):
    def wiped(*arguments):
        name = "muster-known-good-enhancer-settings"
        assert drill.state.cluster.delete("ConfigMap", name, drill.state.namespace), "the drill had kept nothing"
        return recover(*arguments)

    return wiped
"""


def run(project: DrillProject, drill: str, conftest: str) -> tuple[Session, dict[str, Any]]:
    """Run one of the two drills, sabotaged, and return its entry."""
    project.write("conftest.py", SHORT_BUDGET + conftest)
    session = project.pytest(f"drills/test_config_corruption.py::test_{drill}")
    (entry,) = project.summary()["drills"]
    assert session.code == pytest.ExitCode.TESTS_FAILED, session.output
    assert entry["fault"]["landed"] is True, session.output
    return session, entry


@BOTH
def test_a_procedure_that_does_nothing_is_a_missed_drill(drill_project: DrillProject, drill: str) -> None:
    session, entry = run(drill_project, drill, PROCEDURE_DOES_NOTHING)
    assert entry["verdict"] == "missed", session.output
    assert entry["rto"]["budget_verdict"] == "missed"
    assert entry["recovered_by"] is None
    assert f"MISSED {drill}: RTO" in session.output


@BOTH
def test_where_nothing_was_kept_the_procedure_says_so_and_the_drill_is_missed(
    drill_project: DrillProject, drill: str
) -> None:
    session, entry = run(drill_project, drill, NOTHING_IS_KEPT)
    assert entry["verdict"] == "missed", session.output
    assert entry["recovered_by"] is None
    (ended,) = [e for e in read_timeline(drill_project.root / entry["timeline"]) if e["kind"] == "recovery.ended"]
    assert not ended["ok"]
    assert "no known good version of ConfigMap enhancer-settings is kept" in ended["why"]
