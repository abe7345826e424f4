"""How long the load's requests took before, during and after the disruption, as histograms; they inform only."""

from __future__ import annotations

from muster.base.histogram import histogram
from muster.verdict.entry import LatencyEntry
from muster.verdict.objectives.service_level import Spans
from muster.verdict.reading.windows import LoadWindows

WINDOWS = ("before", "during", "after")


def latencies(load: LoadWindows, spans: Spans) -> list[LatencyEntry]:
    """An entry for each window in which there was any load."""
    return [
        _entry(window, load, span)
        for window in WINDOWS
        if (span := spans.named(window)) is not None and load.counts(*span).timed
    ]


def _entry(window: str, load: LoadWindows, span: tuple[float, float]) -> LatencyEntry:
    # A clock's last digit may make an answer that was at once come before its question.
    found = histogram(load.latencies(*span).clip(min=0.0))
    return LatencyEntry(
        window=window,
        count=found.count,
        min_s=_rounded(found.lowest),
        p50_s=_rounded(found.p50),
        p90_s=_rounded(found.p90),
        p95_s=_rounded(found.p95),
        p99_s=_rounded(found.p99),
        p999_s=_rounded(found.p999),
        max_s=_rounded(found.highest),
        histogram=found.encoded,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
