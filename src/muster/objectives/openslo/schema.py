"""The objects of OpenSLO v1 as far as they say something of a drill. What the specification does not know is refused.

Source: the OpenSLO specification, version v1 (https://github.com/OpenSLO/OpenSLO).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic.alias_generators import to_camel

VERSION = "openslo/v1"
Operator = Literal["lte", "gte", "lt", "gt"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$", max_length=63)]

_DAY = 86_400.0
# The specification leaves to the reader how long a month is. A drill is no calendar: 30 d, and so on.
_SECONDS = {"m": 60.0, "h": 3600.0, "d": _DAY, "w": 7 * _DAY, "M": 30 * _DAY, "Q": 91 * _DAY, "Y": 365 * _DAY}


def seconds(duration: str) -> float:
    """How many seconds a duration of OpenSLO is: a whole number and one of m, h, d, w, M, Q, Y.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,6}[mhdwMQY]", duration):
        units = "m (minutes), h, d, w, M (months), Q, Y"
        raise ValueError(f"is '{duration}'; right would be a whole number and one of {units}, such as 28d")
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _some_time(duration: str) -> str:
    if seconds(duration) == 0:
        raise ValueError(f"is '{duration}'; right would be more than no time, such as 28d")
    return duration


def _any_time(duration: str) -> str:
    seconds(duration)
    return duration


Duration = Annotated[str, AfterValidator(_some_time)]
Delay = Annotated[str, AfterValidator(_any_time)]
# "alertPolicies:" with nothing behind it is an empty list, in YAML as people write it.
_Listed = BeforeValidator(lambda value: [] if value is None else value)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, alias_generator=to_camel)


class Metadata(_Part):
    """The name of an object, and notes in the margin: `annotations` beginning with muster.dev/ are for muster."""

    name: Name
    display_name: str | None = None
    labels: dict[str, Any] | None = None
    annotations: dict[str, str] | None = None


class MetricSource(_Part):
    """Where a metric comes from; `spec` is for that source alone to understand."""

    metric_source_ref: str | None = None
    type: str | None = None
    spec: dict[str, Any] = {}


class Metric(_Part):
    """A metric: numbers from a source."""

    metric_source: MetricSource


class Ratio(_Part):
    """Good or bad by total, or a ratio that the source knows itself (`raw`)."""

    counter: StrictBool | None = None
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    raw_type: Literal["success", "failure"] | None = None
    raw: Metric | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        counted = [name for name in ("good", "bad") if getattr(self, name) is not None]
        if self.raw is not None:
            if counted or self.total is not None or self.raw_type is None:
                raise ValueError("holds 'raw', which goes with 'rawType' and not with good, bad or total")
        elif len(counted) != 1 or self.total is None:
            raise ValueError("must hold either 'good' or 'bad', and 'total'")
        return self


class IndicatorSpec(_Part):
    """A service level indicator: what is looked at."""

    description: str | None = None
    threshold_metric: Metric | None = None
    ratio_metric: Ratio | None = None

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        if (self.threshold_metric is None) == (self.ratio_metric is None):
            raise ValueError("must hold either 'thresholdMetric' or 'ratioMetric'")
        return self


class Inline(_Part):
    """An indicator written out inside a service level."""

    api_version: Literal["openslo/v1"] | None = None
    kind: Literal["SLI"] | None = None
    metadata: Metadata | None = None
    spec: dict[str, Any]


class Target(_Part):
    """One objective of a service level: how much of what is looked at must be good."""

    display_name: str | None = None
    op: Operator | None = None
    value: float | None = None
    target: Annotated[float, Field(ge=0, lt=1)] | None = None
    target_percent: Annotated[float, Field(ge=0, lt=100)] | None = None
    time_slice_target: Annotated[float, Field(ge=0, le=1)] | None = None
    time_slice_window: float | str | None = None
    indicator: Inline | None = None
    indicator_ref: str | None = None
    composite_weight: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target is None) == (self.target_percent is None):
            raise ValueError("must hold either 'target' or 'targetPercent'")
        return self

    @property
    def ratio(self) -> float:
        """The target as a ratio from 0 to 1."""
        if self.target is not None:
            return self.target
        return round((self.target_percent or 0.0) / 100, 12)  # 99.95 / 100 is 0.9995000000000001 in binary


class Calendar(_Part):
    """When a calendar-aligned window begins. YAML reads the time as a date where it can."""

    start_time: Any
    time_zone: str


class TimeWindow(_Part):
    """How long a service level holds: the last `duration`, or from a day of the calendar on."""

    duration: Duration
    is_rolling: StrictBool | None = None
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.is_rolling and self.calendar is not None:
            raise ValueError("is rolling and aligned to a calendar; right would be one of them")
        if not self.is_rolling and self.calendar is None:
            raise ValueError("must be rolling ('isRolling: true') or have a 'calendar'")
        return self


class PolicyEntry(_Part):
    """An alert policy of a service level: named, or written out here."""

    alert_policy_ref: str | None = None
    api_version: Literal["openslo/v1"] | None = None
    kind: Literal["AlertPolicy"] | None = None
    metadata: Metadata | None = None
    spec: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        written = self.metadata is not None and self.spec is not None
        if (self.alert_policy_ref is not None) == written:
            raise ValueError("must hold either 'alertPolicyRef', or 'metadata' and 'spec'")
        return self


class SloSpec(_Part):
    """A service level."""

    description: str | None = None
    service: str | None = None
    indicator: Inline | None = None
    indicator_ref: str | None = None
    time_window: Annotated[list[TimeWindow], Field(max_length=1), _Listed] = []
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"]
    objectives: Annotated[list[Target], Field(min_length=1)]
    alert_policies: Annotated[list[PolicyEntry], _Listed] = []

    @property
    def composite(self) -> bool:
        """Whether its objectives look each at something else and are weighed together."""
        return any(one.indicator or one.indicator_ref or one.composite_weight for one in self.objectives)

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        if self.indicator is not None and self.indicator_ref is not None:
            raise ValueError("holds 'indicator' and 'indicatorRef'; right would be one of them")
        if self.indicator is None and self.indicator_ref is None and not self.composite:
            raise ValueError("must hold either 'indicator' or 'indicatorRef'")
        return self


class ConditionEntry(_Part):
    """A condition of an alert policy: named, or written out here."""

    condition_ref: str | None = None
    api_version: Literal["openslo/v1"] | None = None
    kind: Literal["AlertCondition"] | None = None
    metadata: Metadata | None = None
    spec: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        written = self.metadata is not None and self.spec is not None
        if (self.condition_ref is not None) == written:
            raise ValueError("must hold either 'conditionRef', or 'metadata' and 'spec'")
        return self


class PolicySpec(_Part):
    """When somebody is told of a service level. The specification allows one condition; here several hold at once."""

    description: str | None = None
    alert_when_no_data: StrictBool | None = None
    alert_when_resolved: StrictBool | None = None
    alert_when_breaching: StrictBool | None = None
    conditions: Annotated[list[ConditionEntry], Field(min_length=1)]
    notification_targets: Any = None


class Condition(_Part):
    """The burn rate beyond which a condition holds."""

    kind: Literal["burnrate"] = "burnrate"
    op: Operator
    threshold: Annotated[float, Field(gt=0)]
    lookback_window: Duration
    alert_after: Delay = "0m"


class ConditionSpec(_Part):
    """A condition with its severity."""

    description: str | None = None
    severity: str
    condition: Condition
