"""The figures of a run as OpenMetrics, for a Pushgateway or node_exporter's textfile collector.

Only gauges, so that the older text format of Prometheus reads it as well. A figure that was not measured has no sample:
no number stands for "unknown", but the verdict says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from muster.report.summary import SummaryModel
from muster.verdict import DrillVerdict, Verdict

OF_RUN = ("system", "cluster", "evidence")
OF_DRILL = (*OF_RUN, "drill", "severity")
FIGURES = {
    "rto_seconds": "Recovery time of the drill.",
    "rto_low_seconds": "The least that it can have been.",
    "rto_high_seconds": "The most that it can have been.",
    "rto_budget_seconds": "Within which it was to be back.",
    "rpo_seconds": "Of how long before the disruption acknowledged writes were lost.",
    "rpo_target_seconds": "Of how long they may be.",
    "lost_writes": "Acknowledged writes that were lost.",
    "acknowledged_writes": "Writes of the ledger that were acknowledged.",
    "detection_seconds": "From the injection to the alert.",
}


def openmetrics(summary: SummaryModel) -> str:
    """The text. `muster_run_verdict` and `muster_drill_verdict` have a sample for each verdict, 1 for the one it is."""
    registry = CollectorRegistry()
    where = (summary.system, summary.cluster, summary.evidence)
    verdict = Gauge(
        "muster_run_verdict", "Whether the run came to this verdict.", (*OF_RUN, "verdict"), registry=registry
    )
    for one in Verdict:
        verdict.labels(*where, one.value).set(float(summary.verdict is one))
    started = Gauge("muster_run_started_seconds", "When the run began, since the epoch.", OF_RUN, registry=registry)
    started.labels(*where).set(datetime.fromisoformat(summary.started).timestamp())
    if summary.finished:
        finished = Gauge("muster_run_finished_seconds", "When it ended, since the epoch.", OF_RUN, registry=registry)
        finished.labels(*where).set(datetime.fromisoformat(summary.finished).timestamp())
    _drills(summary, where, registry)
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


def _drills(summary: SummaryModel, where: tuple[str, ...], registry: CollectorRegistry) -> None:
    if not summary.drills:
        return
    verdict = Gauge(
        "muster_drill_verdict", "Whether it came to this verdict.", (*OF_DRILL, "verdict"), registry=registry
    )
    figures = {name: Gauge(f"muster_drill_{name}", what, OF_DRILL, registry=registry) for name, what in FIGURES.items()}
    for drill in summary.drills:
        labels = (*where, drill.name, drill.severity or "")
        for one in Verdict:
            verdict.labels(*labels, one.value).set(float(drill.verdict is one))
        for name, value in _figures(drill):
            figures[name].labels(*labels).set(value)


def _figures(drill: DrillVerdict) -> Iterator[tuple[str, float]]:
    rto, rpo = drill.rto, drill.rpo
    found = {
        "rto_seconds": rto.value_s,
        "rto_low_seconds": rto.low_s,
        "rto_high_seconds": rto.high_s,
        "rto_budget_seconds": rto.budget_s,
        "rpo_seconds": rpo.value_s,
        "rpo_target_seconds": rpo.target_s,
        "lost_writes": rpo.lost_writes if rpo.counts else None,
        "acknowledged_writes": rpo.acknowledged_writes if rpo.counts else None,
        "detection_seconds": drill.detection.value_s,
    }
    yield from ((name, float(value)) for name, value in found.items() if value is not None)
