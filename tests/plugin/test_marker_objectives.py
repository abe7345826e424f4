"""What a drill's marker says of its objectives, and what is wrong with it before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from muster.plugin.declare import objectives_of
from muster.system import read_system

if TYPE_CHECKING:
    from pathlib import Path

    from tests.drill_project import DrillProject

DRILL = """
import pytest

@pytest.mark.drill(severity="P2", fault="high-load", objectives={objectives})
def test_drill(drill):
    raise AssertionError("must not run")
"""


def test_a_target_or_windows_change_what_the_system_says(drill_project: DrillProject) -> None:
    root: Path = drill_project.root
    said = {
        "error_rate": 0.5,
        "latency_p95": {"windows": ["during"]},
        "goodput": {"target": 405, "windows": ["during", "after"]},
    }
    objectives, unmeasured = objectives_of(said, read_system(root / "systems/enhancer"))
    assert objectives[:2] + objectives[-1:] == [
        {"name": "error_rate", "target": 0.5},
        {"name": "latency_p95", "target": 1.0, "windows": ["during"]},
        {"name": "goodput", "target": 405, "windows": ["during", "after"]},
    ]
    assert [one["name"] for one in objectives[2:-1]] == ["api-availability", "answers-fast"]  # of slo.yaml
    assert unmeasured == []


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ("{'goodput': {'windows': ['during']}}", "objectives.4.target is missing"),
        ("{'goodput': {'target': 1, 'window': ['after']}}", "objectives.4.window is no field of a declaration"),
        ("{'beauty': 1}", "objectives.4: objective 'beauty' does not say what it measures"),
    ],
)
def test_an_objective_that_does_not_fit_is_named(drill_project: DrillProject, objectives: str, message: str) -> None:
    drill_project.write("drills/test_it.py", DRILL.format(objectives=objectives))
    session = drill_project.pytest("drills/test_it.py")
    assert message in session.output
    assert session.code == pytest.ExitCode.USAGE_ERROR
