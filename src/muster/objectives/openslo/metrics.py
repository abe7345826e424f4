"""What a metric of type `muster` means: requests of the load, counted or timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from muster.objectives.objective import Measure
from muster.objectives.openslo.documents import Location
from muster.objectives.openslo.objects import Objects, Placed
from muster.objectives.openslo.schema import IndicatorSpec, Metric, Ratio, Target

TYPE = "muster"
_Several = BeforeValidator(lambda value: [value] if isinstance(value, str) else value)

# What is counted good or bad, of what: the measure that it is here.
_RATIOS: dict[tuple[str, str, str], Measure] = {
    ("good", "successes", "requests"): "availability",
    ("bad", "errors", "requests"): "availability",
    ("good", "fast", "requests"): "fast_requests",
    ("good", "fast", "answers"): "fast_answers",
    ("bad", "slow", "answers"): "fast_answers",
}


class MusterMetric(BaseModel):
    """The `spec` of a metric source of type `muster`.

    `measure`: `requests` (all of them), `answers` (good ones and timeouts), `successes`, `errors`, `fast` and `slow`
    (good within `within_s` seconds, or not), or, of a threshold metric, `latency` (of `answers`, from the intended
    time, in `unit`). `requests`: patterns of the names of requests that count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    measure: Literal["requests", "answers", "successes", "errors", "fast", "slow", "latency"]
    within_s: Annotated[float, Field(gt=0)] | None = None
    unit: Literal["s", "ms"] = "s"
    requests: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], _Several] = ()


@dataclass(frozen=True, slots=True)
class Meant:
    """What an indicator is here. `threshold_s` is None where nothing is timed, or where each target has its own."""

    measure: Measure
    requests: tuple[str, ...]
    threshold_s: float | None
    per_second: float | None = None  # of a threshold metric: how many of its unit are a second


def meant(objects: Objects, indicator: Placed) -> Meant | str:
    """What an indicator means in a drill, or in one line why it means nothing there.

    Raises:
        UsageError: it is meant for muster, but wrong.
    """
    spec = indicator.spec(IndicatorSpec)
    if spec.threshold_metric is not None:
        return _threshold(objects, indicator, spec.threshold_metric)
    assert spec.ratio_metric is not None
    return _ratio(objects, indicator, spec.ratio_metric)


def threshold_s(meaning: Meant, target: Target, slo: Placed, where: Location) -> float | None:
    """The seconds within which an answer is fast, for one target of a service level.

    Raises:
        UsageError: a threshold metric without op and value, or with an op that finds slow answers good.
    """
    if meaning.per_second is None:
        return meaning.threshold_s
    for key in ("op", "value"):
        if getattr(target, key) is None:
            raise slo.wrong((*where, key), f"is missing: a threshold metric needs it ({_EXAMPLE})")
    if target.op not in ("lt", "lte"):
        raise slo.wrong((*where, "op"), f"is {target.op}, which would find slow answers good; right would be lt or lte")
    if target.value is None or target.value <= 0:
        raise slo.wrong((*where, "value"), f"is {target.value:g}; right would be a time, more than 0")
    return target.value / meaning.per_second


_EXAMPLE = "op: lte, value: 1, target: 0.95 says that 95 % of the answers take 1 s or less"


def _threshold(objects: Objects, indicator: Placed, metric: Metric) -> Meant | str:
    where: Location = ("spec", "thresholdMetric")
    read = _read(objects, indicator, metric, where)
    if isinstance(read, str):
        return read
    if read.measure != "latency" or read.within_s is not None:
        key = "measure" if read.measure != "latency" else "within_s"
        what = "does not fit: a threshold metric of muster is {measure: latency}, and the objective has op and value"
        raise indicator.wrong((*where, "metricSource", "spec", key), what)
    return Meant("fast_answers", read.requests, None, per_second=1000.0 if read.unit == "ms" else 1.0)


def _ratio(objects: Objects, indicator: Placed, ratio: Ratio) -> Meant | str:
    where: Location = ("spec", "ratioMetric")
    if ratio.raw is not None:
        read = _read(objects, indicator, ratio.raw, (*where, "raw"))
        if isinstance(read, str):
            return read
        raise indicator.wrong(
            (*where, "raw"), "is of type muster, which counts requests; right would be good and total"
        )
    side = "good" if ratio.good is not None else "bad"
    numerator = ratio.good or ratio.bad
    assert numerator is not None
    assert ratio.total is not None
    counted = _read(objects, indicator, numerator, (*where, side))
    total = _read(objects, indicator, ratio.total, (*where, "total"))
    if isinstance(counted, str):
        return counted
    if isinstance(total, str):
        return total
    return _counted(indicator, side, counted, total)


def _counted(indicator: Placed, side: str, counted: MusterMetric, total: MusterMetric) -> Meant:
    where: Location = ("spec", "ratioMetric", side, "metricSource", "spec")
    measure = _RATIOS.get((side, counted.measure, total.measure))
    if measure is None:
        there = ", ".join(f"{a}: {b}, total: {c}" for a, b, c in _RATIOS)
        what = f"{side}: {counted.measure}, total: {total.measure}"
        raise indicator.wrong((*where, "measure"), f"makes no ratio ({what}); right would be one of: {there}")
    timed = counted.measure in ("fast", "slow")
    if timed != (counted.within_s is not None):
        what = (
            "is missing: the seconds within which an answer is fast" if timed else f"does not go with {counted.measure}"
        )
        raise indicator.wrong((*where, "within_s"), what)
    if counted.requests != total.requests:
        raise indicator.wrong(
            (*where, "requests"), "counts other requests than 'total' does; right would be the same ones"
        )
    return Meant(measure, counted.requests, counted.within_s)


def _read(objects: Objects, indicator: Placed, metric: Metric, where: Location) -> MusterMetric | str:
    """A metric as muster's, or in one line why it is not."""
    source, at = metric.metric_source, (*where, "metricSource")
    kind = source.type
    if kind is None:
        if source.metric_source_ref is None:
            raise indicator.wrong(at, "has neither a 'type' nor a 'metricSourceRef'")
        named = objects.found("DataSource", source.metric_source_ref)
        if named is None:
            return f"its metric is of data source {source.metric_source_ref}, which is not in this file"
        kind = named.content.get("type")
        if not isinstance(kind, str):
            raise named.wrong(("spec", "type"), "is missing: the type of its metrics, such as muster")
    if kind.lower() != TYPE:
        return f"its metric is of type {kind}, which a drill cannot ask; type {TYPE} counts the drill's own requests"
    return indicator.document.fitted(MusterMetric, source.spec, (*indicator.where, *at, "spec"))
