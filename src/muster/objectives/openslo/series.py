"""Service levels whose metric a Prometheus has: what to ask it for the share of bad requests over a while.

A drill cannot ask these (`muster.objectives.openslo.translate` leaves them out); whoever looks at a running system can.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster.objectives.openslo.objects import Objects, Placed
from muster.objectives.openslo.schema import IndicatorSpec, Metric, Ratio, SloSpec, seconds
from muster.objectives.openslo.translate import names_of

WINDOW = "{{.window}}"  # where a query says itself what is to be looked back over
_OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, slots=True)
class SeriesLevel:
    """A service level: `target` is the ratio that must be good over `period_s` seconds (None where nothing is said)."""

    name: str
    target: float
    period_s: float | None
    _bad: str  # PromQL of the ratio that is bad, with WINDOW where a duration belongs

    def bad(self, window: str) -> str:
        """PromQL for the ratio of what was bad over the last `window`, such as 5m."""
        return self._bad.replace(WINDOW, window)


def read_series(path: Path) -> list[SeriesLevel]:
    """The service levels of an OpenSLO v1 file that a Prometheus can tell of; none where it has others only.

    Raises:
        UsageError: the file cannot be read or is wrong; one sentence with file, document, line and key.
    """
    objects = Objects.read(path)
    return [level for slo in objects.all("SLO") for level in _levels(objects, slo)]


def _levels(objects: Objects, slo: Placed) -> list[SeriesLevel]:
    spec = slo.spec(SloSpec)
    return [] if not_counted(spec) else levels_of(objects, slo, spec)


def not_counted(spec: SloSpec) -> str:
    """Why the bad share of a service level is no share of what happened; empty where it is."""
    if spec.composite:
        return "a composite service level weighs several indicators; give each one of its own"
    if spec.budgeting_method != "Occurrences":
        return f"its budgeting method {spec.budgeting_method} counts slices of time"
    return ""


def levels_of(objects: Objects, slo: Placed, spec: SloSpec) -> list[SeriesLevel]:
    """The objectives of a service level that a Prometheus can tell of; none where its metric is another's.

    Raises:
        UsageError: it is wrong.
    """
    where = ("spec",) if spec.indicator_ref else ("spec", "indicator")
    indicator = objects.entered("SLI", spec.indicator, spec.indicator_ref, slo, where).spec(IndicatorSpec)
    period = seconds(spec.time_window[0].duration) if spec.time_window else None
    found = []
    for name, target in zip(names_of(slo, spec), spec.objectives, strict=True):
        if indicator.ratio_metric is not None:
            bad = _bad_ratio(objects, indicator.ratio_metric)
        else:
            assert indicator.threshold_metric is not None
            bad = _beyond(objects, indicator.threshold_metric, target)
        if bad:
            found.append(SeriesLevel(name, target.ratio, period, bad))
    return found


def _bad_ratio(objects: Objects, ratio: Ratio) -> str:
    """PromQL for the bad share of a ratio; empty where its metrics are not Prometheus'."""
    if ratio.raw is not None:
        raw = _query(objects, ratio.raw)
        mean = f"avg(avg_over_time({_ranged(raw)}))"
        return "" if not raw else f"1 - {mean}" if ratio.raw_type == "success" else mean
    part, total = ratio.good or ratio.bad, ratio.total
    assert part is not None
    assert total is not None
    asked, of = _query(objects, part), _query(objects, total)
    if not asked or not of:
        return ""
    share = f"{_count(asked, counter=ratio.counter)} / {_count(of, counter=ratio.counter)}"
    return f"1 - {share}" if ratio.good is not None else share


def _beyond(objects: Objects, metric: Metric, target: Any) -> str:
    """PromQL for the share of time in which a metric is not as an objective wants it."""
    query = _query(objects, metric)
    if not query or target.op is None or target.value is None:
        return ""
    good = f"(({query}) {_OPERATORS[target.op]} bool {target.value:g})"
    return f"1 - avg(avg_over_time({good}[{WINDOW}:]))"


def _count(query: str, *, counter: bool | None) -> str:
    if WINDOW in query:
        return f"({query})"
    return f"sum({'sum_over_time' if counter is False else 'increase'}({_ranged(query)}))"


def _ranged(query: str) -> str:
    return f"({query})[{WINDOW}:]"


def _query(objects: Objects, metric: Metric) -> str:
    """What a Prometheus is asked for a metric; empty where it is another's."""
    source = metric.metric_source
    kind = source.type
    if kind is None and source.metric_source_ref and (named := objects.found("DataSource", source.metric_source_ref)):
        kind = str(named.content.get("type") or "")
    query = source.spec.get("query") or source.spec.get("promql")
    return str(query).strip() if (kind or "").lower() == "prometheus" and isinstance(query, str) else ""
