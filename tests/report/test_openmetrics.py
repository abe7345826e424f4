"""The figures of a run for Prometheus: read back by its own parser."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as as_openmetrics
from prometheus_client.parser import text_string_to_metric_families as as_text

from muster.report.openmetrics import openmetrics
from muster.report.summary import SummaryModel
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import RpoEntry, RtoEntry

MET = DrillVerdict(
    name="db_failure",
    severity="P1",
    verdict=Verdict.MET,
    rto=RtoEntry(value_s=0.9, low_s=0.8, high_s=1.2, budget_s=30),
    rpo=RpoEntry(value_s=0, target_s=300, counts=True, acknowledged_writes=287),
)
UNKNOWN = DrillVerdict(name='odd "name"\\', rpo=RpoEntry(acknowledged_writes=5))


def samples(*drills: DrillVerdict, finished: str | None = None) -> dict[tuple[str, str, str], float]:
    """By the metric's name, its drill and its verdict."""
    summary = SummaryModel(
        system="shop",
        cluster="staging",
        evidence="cluster",
        started="2026-03-01T00:00:00Z",
        finished=finished,
        verdict=Verdict.UNKNOWN,
        drills=list(drills),
    )
    text = openmetrics(summary)
    found = {
        (one.name, one.labels.get("drill", ""), one.labels.get("verdict", "")): one.value
        for family in as_openmetrics(text)
        for one in family.samples
    }
    assert found == {
        (one.name, one.labels.get("drill", ""), one.labels.get("verdict", "")): one.value
        for family in as_text(text)
        for one in family.samples
    }, "the older format reads it as well"
    return found


def test_a_drill_has_its_figures_and_one_verdict() -> None:
    found = samples(MET, finished="2026-03-01T00:01:00Z")
    assert found["muster_drill_rto_seconds", "db_failure", ""] == 0.9
    assert found["muster_drill_lost_writes", "db_failure", ""] == 0
    assert found["muster_drill_acknowledged_writes", "db_failure", ""] == 287
    verdicts = {key[2]: value for key, value in found.items() if key[0] == "muster_drill_verdict"}
    assert verdicts == {"met": 1, "missed": 0, "unknown": 0}
    assert found["muster_run_finished_seconds", "", ""] - found["muster_run_started_seconds", "", ""] == 60


def test_what_was_not_measured_has_no_number() -> None:
    found = samples(UNKNOWN)
    assert [key for key in found if key[1] == UNKNOWN.name and key[0] != "muster_drill_verdict"] == []
    assert found["muster_drill_verdict", UNKNOWN.name, "unknown"] == 1
    assert ("muster_run_finished_seconds", "", "") not in found


def test_a_run_without_drills_is_told_too() -> None:
    assert samples()["muster_run_verdict", "", "unknown"] == 1
