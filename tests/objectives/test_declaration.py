"""A declaration survives its way through the timeline, and says what is wrong with it."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest

from muster.base.errors import UsageError
from muster.objectives import Declaration, Objective, severity_targets
from muster.verdict.testing import DrillStory


def declared(**changes: Any) -> Declaration:
    return Declaration.from_event(DrillStory(declared=changes).declaration)


def test_a_declaration_survives_the_timeline() -> None:
    declaration = declared(error_budget=0.2, response_s=60.0)
    event = {"t": 1.0, "kind": "declared", **orjson.loads(orjson.dumps(declaration.to_event()))}
    assert Declaration.from_event(event) == declaration


def test_defaults_are_those_of_the_measures() -> None:
    declaration = declared()
    assert (declaration.hold_s, declaration.steady_s) == (5, 3)
    assert declaration.objectives[0].windows == ("before", "after")


def test_a_named_procedure_is_to_be_proved_unless_the_drill_says_otherwise() -> None:
    assert declared().proves_procedure
    assert not declared(recovery=None).proves_procedure
    assert not declared(proves_procedure=False).proves_procedure


@pytest.mark.parametrize("budget", [30, 0.3, 1.0])
def test_an_error_budget_keeps_whether_it_is_a_number_or_a_ratio(budget: float) -> None:
    event = orjson.loads(orjson.dumps(declared(error_budget=budget).to_event()))
    assert type(Declaration.from_event(event).error_budget) is type(budget)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"rto_budget_s": "soon"}, "rto_budget_s"),
        ({"max_lost_writes": -1}, "max_lost_writes"),
        ({"colour": "red"}, "colour"),
        ({"objectives": [{"name": "beauty", "target": 1}]}, "objective 'beauty' does not say what it measures"),
        ({"objectives": [{"name": "api", "measure": "beauty", "target": 1}]}, "objectives.0.measure is 'beauty'"),
        ({"objectives": [{"name": "a b", "measure": "goodput", "target": 1}]}, "objectives.0.name"),
        ({"objectives": [{"name": "error_rate", "target": 1.5}]}, "is no ratio"),
        ({"objectives": [{"name": "latency_p95", "target": 1, "unit": "ms"}]}, "is in s, not in ms"),
        ({"objectives": [{"name": "error_rate", "target": 0.1}] * 2}, "twice"),
        ({"objectives": [{"name": "goodput"}]}, "objectives.0.target is missing"),
        ({"objectives": [{"name": "goodput", "target": 1, "window": ["after"]}]}, "objectives.0.window is no field"),
        ({"objectives": [{"name": "goodput", "target": 1, "windows": ["later"]}]}, "objectives.0.windows.0"),
        ({"objectives": [{"name": "goodput", "target": 1, "windows": []}]}, "right would be some of before, during"),
        ({"objectives": [{"name": "refusal_latency", "target": 0}]}, "target 0 s cannot be met"),
        ({"objectives": [{"name": "refused_rate", "target": 2}]}, "is no ratio"),
        ({"evidence": "hearsay"}, "evidence"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError, match="declaration of drill 'db_failure'") as raised:
        declared(**changes)
    assert where in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "target", "needed"),
    [
        ("availability", 0.9995, 2000),
        ("availability", 0.999, 1000),
        ("error_rate", 0.01, 100),
        ("latency_p95", 1.0, 20),
        ("throughput", 100, 1),
        ("goodput", 100, 1),
        ("refused_rate", 0.001, 1000),
        ("refused_rate", 0.0, math.inf),
        ("refusal_latency", 0.05, 100),
        ("availability", 1.0, math.inf),
        ("error_rate", 0.0, math.inf),
    ],
)
def test_how_many_samples_an_objective_needs(name: Any, target: float, needed: float) -> None:
    assert Objective(name=name, target=target).samples_needed == needed


def test_bounds_point_the_right_way() -> None:
    assert Objective(name="error_rate", target=0.01).met_by(0.01)
    assert not Objective(name="error_rate", target=0.01).met_by(0.011)
    assert Objective(name="goodput", target=100).met_by(100)
    assert not Objective(name="goodput", target=100).met_by(99)


def test_refusals_are_looked_at_where_there_should_be_some_and_where_there_should_be_none() -> None:
    assert Objective(name="refusal_latency", target=0.05).windows == ("during",)
    assert Objective(name="refused_rate", target=0.001).windows == ("after",)
    assert Objective(name="refused_rate", target=0.5, windows=("during", "after")).windows == ("during", "after")
    event = orjson.loads(orjson.dumps(declared(objectives=[{"name": "refused_rate", "target": 0.1}]).to_event()))
    assert Declaration.from_event(event).objectives[0].windows == ("after",)


def test_severities_have_the_targets_of_the_plan() -> None:
    assert (severity_targets("P1").rto_s, severity_targets("P1").rpo_s) == (900, 300)
    assert (severity_targets("P2").rto_s, severity_targets("P2").rpo_s) == (3600, 900)
    assert (severity_targets("P3").rto_s, severity_targets("P3").rpo_s) == (14400, 1800)
    assert (severity_targets("P4").rto_s, severity_targets("P4").rpo_s) == (86400, 7200)


def test_a_system_brings_its_own_targets() -> None:
    targets = severity_targets("P1", {"P1": {"rto_s": 60}})
    assert (targets.rto_s, targets.rpo_s) == (60, 300)
    assert severity_targets("P1").rto_s == 900


@pytest.mark.parametrize(
    ("severity", "overrides", "message"),
    [
        ("P0", {}, r"severity 'P0' is not known \(there are: P1, P2, P3, P4\)"),
        ("P1", {"P9": {}}, "severity 'P9' is not known"),
        ("P1", {"P1": {"rto": 1}}, "severity P1: 'rto' is no target"),
        ("P1", {"P1": {"rto_s": "15m"}}, "right would be seconds"),
    ],
)
def test_unknown_severities_and_targets_are_named(severity: str, overrides: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        severity_targets(severity, overrides)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hold_s": 0.5}, "hold_s is 0.5; right would be 1 or more"),
        ({"steady_s": 0}, "steady_s is 0; right would be 1 or more"),
        ({"hold_s": math.inf}, "hold_s is inf; right would be a finite number"),
        ({"steady_s": math.nan}, "steady_s is nan; right would be a finite number"),
        ({"rto_budget_s": -3}, "rto_budget_s is -3; right would be more than 0"),
        ({"rto_budget_s": math.inf}, "rto_budget_s is inf; right would be a finite number"),
        ({"rto_target_s": math.nan}, "rto_target_s is nan; right would be a finite number"),
        ({"rpo_target_s": -1.0}, "rpo_target_s is -1.0; right would be 0 or more"),
        ({"error_budget": math.inf}, "error_budget is inf; right would be a"),
        (
            {"objectives": [{"name": "goodput", "target": math.inf}]},
            "objectives.0.target is inf; right would be a",
        ),
        ({"rto_budget_s": "soon"}, "rto_budget_s is 'soon'; right would be a number"),
        ({"colour": "red"}, "colour is no field of a declaration"),
        ({"evidence": "hearsay"}, "evidence is 'hearsay'; right would be one of 'rehearsal' or 'cluster'"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        declared(**changes)
    assert str(raised.value).startswith(f"declaration of drill 'db_failure': {message}")


@pytest.mark.parametrize("value", [math.inf, math.nan, -1.0])
def test_a_severity_cannot_be_overridden_by_what_is_no_time(value: float) -> None:
    with pytest.raises(UsageError, match="right would be seconds"):
        severity_targets("P1", {"P1": {"rto_s": value}})
