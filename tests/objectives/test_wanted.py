"""The objectives of a drill: the system's, its OpenSLO file's, and what the drill says itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.errors import UsageError
from muster.objectives import Declaration
from muster.objectives.objective import samples_for
from muster.objectives.openslo import read_openslo
from muster.objectives.wanted import wanted
from muster.verdict.testing import DrillStory

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

FILE = Path(__file__).parent / "openslo" / "slo.yaml"
DOCS = Path(__file__).parents[2] / "docs" / "objectives.md"


def declared(said: dict[str, Any], openslo: Path | None = FILE) -> Declaration:
    objectives, unmeasured = wanted(said, error_rate=0.01, latency_p95_s=1.0, openslo=openslo)
    fields = {**DrillStory().declaration, "objectives": objectives, "unmeasured": unmeasured}
    return Declaration.from_event(fields)


def names(declaration: Declaration) -> list[str]:
    return [one.name for one in declaration.objectives]


def test_without_a_file_there_are_the_systems_own() -> None:
    assert names(declared({}, None)) == ["error_rate", "latency_p95"]
    assert declared({}, None).unmeasured == ()


def test_a_file_adds_its_service_levels_and_what_is_left_out_of_it() -> None:
    declaration = declared({})
    expected = ["api-availability", "reads-fast", "orders.agreed-with-shops", "orders.our-own"]
    assert names(declaration) == ["error_rate", "latency_p95", *expected]
    assert [one.name for one in declaration.unmeasured] == ["queue-length", "minutes"]
    # These take more samples than a steady state of seconds has, so they are not part of it.
    assert [one.name for one in declaration.each_second("before")] == ["error_rate", "latency_p95"]


def test_a_drill_changes_a_service_level_or_leaves_it_out() -> None:
    said = {"api-availability": {"windows": ["after"], "burn_alerts": []}, "reads-fast": None, "orders.our-own": 0.9}
    declaration = declared(said)
    changed = next(one for one in declaration.objectives if one.name == "api-availability")
    assert (changed.target, changed.windows, changed.burn_alerts) == (0.9995, ("after",), ())
    assert next(one.target for one in declaration.objectives if one.name == "orders.our-own") == 0.9
    assert {one.name: one.why for one in declaration.unmeasured}["reads-fast"] == "this drill leaves it out"
    assert "reads-fast" not in names(declaration)


def test_what_is_left_out_of_a_file_can_be_left_out_again_or_given_a_meaning() -> None:
    assert "queue-length" in [one.name for one in declared({"queue-length": None}).unmeasured]
    declaration = declared({"queue-length": {"measure": "goodput", "target": 10}})
    assert "queue-length" in names(declaration)
    assert "queue-length" not in [one.name for one in declaration.unmeasured]


@pytest.mark.parametrize("name", ["error_rate", "beauty"])
def test_only_service_levels_of_a_file_can_be_left_out(name: str) -> None:
    with pytest.raises(
        UsageError, match=f"objective '{name}' cannot be left out: it is no service level of a file .*api-avail"
    ):
        declared({name: None})


def test_a_service_level_must_not_have_the_name_of_one_in_system_yaml(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text(FILE.read_text().replace("name: reads-fast", "name: error_rate"))
    with pytest.raises(UsageError, match="service level 'error_rate' has the name of one of"):
        declared({}, path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"measure": "fast_answers", "target": 0.9}, "fast_answers needs threshold_s"),
        (
            {"measure": "goodput", "target": 9, "threshold_s": 1},
            "threshold_s is of fast_answers and fast_requests only",
        ),
        ({"measure": "latency", "target": 1}, "latency needs a quantile"),
        ({"measure": "latency_p95", "target": 1, "quantile": 0.5}, "quantile is of latency only"),
        ({"measure": "goodput", "target": 1, "period_s": 9, "budget_share": 0.1}, "has no error budget"),
        ({"measure": "availability", "target": 1, "period_s": 9, "budget_share": 0.1}, "has no error budget"),
        ({"measure": "availability", "target": 0.9, "budget_share": 0.1}, "needs period_s"),
        (
            {
                "measure": "availability",
                "target": 0.9,
                "burn_alerts": [{"name": "a", "threshold": 10, "lookbacks_s": [9]}],
            },
            "alert a can never fire: with all requests bad the burn rate is 10",
        ),
        (
            {
                "measure": "availability",
                "target": 0.9,
                "burn_alerts": [{"name": "a", "threshold": 1, "lookbacks_s": [9]}] * 2,
            },
            "name one alert twice",
        ),
        (
            {
                "measure": "availability",
                "target": 0.9,
                "burn_alerts": [{"name": "a" * 60, "threshold": 1, "lookbacks_s": [9]}],
            },
            "longer than 64 characters",
        ),
        (
            {
                "measure": "availability",
                "target": 0.9,
                "burn_alerts": [{"name": "a", "threshold": 1, "lookbacks_s": []}],
            },
            "burn_alerts.0.lookbacks_s",
        ),
    ],
)
def test_what_does_not_fit_an_objective_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        declared({"mine-1": fields}, None)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_example_of_the_docs_is_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    path.write_text(blocks[0])
    levels = read_openslo(path)
    availability, reads = levels.objectives
    assert (availability.measure, availability.samples_needed, availability.windows) == (
        "availability",
        2000,
        ("after",),
    )
    assert availability.budget_share == 0.05
    fast, slow = availability.burn_alerts
    assert (fast.lookbacks_s, fast.windows, slow.lookbacks_s, slow.windows) == (
        (3600, 300),
        ("after",),
        (21_600, 1800),
        (),
    )
    assert (reads.measure, reads.threshold_s, reads.requests) == ("fast_answers", 1.0, ("GET /workflows*",))
    assert [one.name for one in levels.unmeasured] == ["queue-short"]
    path.write_text(blocks[0].replace("target: 0.9995", "target: 99.95"))
    with pytest.raises(UsageError) as raised:
        read_openslo(path)
    said = str(raised.value).replace(str(tmp_path), "").lstrip("/")
    assert said in DOCS.read_text()


def test_short_drills_can_judge_the_service_levels_of_the_reference_system() -> None:
    """A drill has some 500 requests after the recovery, and 300 before the fault."""
    availability, fast = read_openslo(DOCS.parents[1] / "systems/enhancer/slo.yaml").objectives
    assert (availability.target, availability.windows, availability.budget_share) == (0.9995, (), 0.1)
    assert [samples_for(alert.threshold * (availability.allowed or 0)) for alert in availability.burn_alerts] == [139]
    assert (fast.measure, fast.threshold_s, fast.target, fast.samples_needed) == ("fast_answers", 1.0, 0.95, 20)


DRILL = """
import pytest

@pytest.mark.drill(severity="P2", fault="high-load")
def test_drill(drill):
    raise AssertionError("must not run")
"""


def test_a_file_that_is_wrong_stops_everything_before_it_begins(drill_project: DrillProject) -> None:
    drill_project.write("systems/enhancer/slo.yaml", FILE.read_text().replace("kind: burnrate", "kind: burnrat"))
    drill_project.write("drills/test_it.py", DRILL)
    session = drill_project.pytest("drills/test_it.py")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "slo.yaml, document" in session.output
