"""The drill under high load, sabotaged: it ends missed or unknown.

At a third of its scale: what is proved does not depend on it, and the machine has other tests to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

    from .holding import Sabotaged

SCALE = (
    ("systems/enhancer/manifests/30-enhancer-settings.yaml", "admission_rate: 100", "admission_rate: 60"),
    ("experiments/high-load.yaml", "rate: 450", "rate: 360"),
    ("drills/test_high_load.py", "rate=150", "rate=60"),
    ("drills/test_high_load.py", "RATED = 300", "RATED = 180"),
    # Two drills at once share the machine: how quickly it refuses is not what is sabotaged here.
    ("drills/test_high_load.py", '"refusal_latency": {"target": 0.1', '"refusal_latency": {"target": 5'),
)


def arrange(project: DrillProject) -> None:
    for name, before, after in SCALE:
        text = (project.root / name).read_text()
        assert text.count(before) == 1, f"{name} has no longer one {before!r}"
        project.write(name, text.replace(before, after))


@pytest.mark.sabotage("idle_procedure", drill="high_load")
def test_a_procedure_that_does_nothing_is_a_missed_drill(sabotaged: Sabotaged) -> None:
    sabotaged.ends("missed", r"RTO (open: service not seen good again in|at least) [\d.]+ s.* > budget 4 s")
    assert sabotaged.entry["fault"]["landed"] is True
    assert sabotaged.entry["disruption"]["shed"] > 0
    assert sabotaged.entry["rto"]["budget_verdict"] == "missed"
    assert sabotaged.entry["recovered_by"] is None


@pytest.mark.sabotage("idle_release", drill="high_load")
def test_capacity_that_is_not_given_back_is_noticed(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the drill's body ended early: AssertionError: .*release-capacity")
    assert sabotaged.entry["rto"]["budget_verdict"] == "met"


@pytest.mark.sabotage("refusals_without_retry_after", drill="high_load")
def test_refusals_that_do_not_say_when_to_come_back_are_failures(sabotaged: Sabotaged) -> None:
    sabotaged.ends("missed", "(RTO|error_budget) ")
    assert sabotaged.entry["disruption"]["violations"] > 0
    assert sabotaged.entry["disruption"]["shed"] == 0


@pytest.mark.sabotage("load_may_not_rise", drill="high_load")
def test_a_load_that_may_not_rise_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", ".*360 requests/s is more than system.yaml allows")
    assert sabotaged.entry["fault"]["landed"] is not True


@pytest.mark.sabotage("load_silently_stays", drill="high_load")
def test_a_load_that_silently_does_not_rise_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", ".*fault 'high-load' did not land")
    assert sabotaged.entry["fault"]["landed"] is not True
