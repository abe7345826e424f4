"""JUnit XML of drills: missed and unknown are failures whose message is one line; figures are properties."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.told import run

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

BODY = """
@marked()
def test_late(drill):
    drill.story = {"rto_budget_s": 1.0}

@marked()
def test_forgotten(drill):
    assert 2 + 2 == 5

@pytest.fixture
def bad():
    raise RuntimeError("no cluster")

@marked()
def test_homeless(bad, drill):
    pass

@pytest.fixture
def spoils():
    yield
    raise RuntimeError("undo failed")

@marked()
def test_spoilt(drill, spoils):
    pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_pipeline_reads_verdicts_and_figures(drill_project: DrillProject, workers: tuple[str, ...]) -> None:
    run(drill_project, BODY, "--junitxml=reports/junit.xml", *workers)
    cases = {case.get("name"): case for case in ET.parse(drill_project.root / "reports/junit.xml").iter("testcase")}
    told = {name: {one.get("name"): one.get("value") for one in case.iter("property")} for name, case in cases.items()}
    messages = {
        name: [one.get("message") for one in case if one.tag in ("failure", "error")] for name, case in cases.items()
    }

    assert messages["test_met"] == []
    assert told["test_met"]["verdict"] == "met"
    assert told["test_met"]["severity"] == "P1"
    assert float(told["test_met"]["rto_s"] or 0) == pytest.approx(6.6, abs=0.2)
    assert told["test_met"]["lost_writes"] == "0"

    assert told["test_late"]["verdict"] == "missed"
    assert messages["test_late"] == ["MISSED late: RTO 6.61 s [6.60, 6.66] > budget 1 s"]
    failure = cases["test_late"].find("failure")
    assert failure is not None
    assert "where it went: " in (failure.text or "")

    assert told["test_forgotten"]["verdict"] == "unknown"
    assert messages["test_forgotten"][0].startswith("UNKNOWN forgotten: ")
    assert "\n" not in messages["test_forgotten"][0]

    assert told["test_spoilt"]["verdict"] == "unknown"
    assert told["test_homeless"]["verdict"] == "unknown"
    assert cases["test_homeless"].find("error") is not None
