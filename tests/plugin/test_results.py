"""What a session writes for the Allure report: each drill in its state, below its own run, under xdist as well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.told import run

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

DRILLS = """
@marked()
def test_slow(drill):
    drill.story = {"rto_budget_s": 5.0}

@marked()
def test_asserts(drill):
    assert False

@marked()
def test_raises(drill):
    raise RuntimeError("boom")

@pytest.mark.xfail
@marked()
def test_excused(drill):
    drill.story = {"rto_budget_s": 5.0}

@pytest.fixture
def messy():
    yield
    raise RuntimeError("left open")

@marked()
def test_messy(drill, messy):
    pass

@pytest.mark.skip(reason="not today")
@marked()
def test_skipped(drill):
    pass
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_each_drill_is_told_in_its_own_state(drill_project: DrillProject, arguments: tuple[str, ...]) -> None:
    run(drill_project, DRILLS, *arguments)
    reports = drill_project.root / "reports"
    assert (reports / "allure-results").resolve() == (reports / "latest").resolve() / "allure-results"
    results = [json.loads(path.read_text()) for path in (reports / "allure-results").glob("*-result.json")]
    assert {drill_of(result): (result["status"], label(result, "cause")) for result in results} == {
        "met": ("passed", "met"),
        "slow": ("failed", "missed"),
        "asserts": ("broken", "unknown"),
        "raises": ("broken", "harness"),
        "excused": ("failed", "missed"),
        "messy": ("broken", "harness"),
        "skipped": ("skipped", "not run"),
    }
    assert "seed=1" in (reports / "allure-results" / "environment.properties").read_text()


def drill_of(result: dict[str, Any]) -> str:
    return label(result, "drill")


def label(result: dict[str, Any], name: str) -> str:
    (value,) = [one["value"] for one in result["labels"] if one["name"] == name]
    return str(value)
