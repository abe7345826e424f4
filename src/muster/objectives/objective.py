"""One objective: a figure of the load, its target, and the windows of a drill in which the target holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from muster.objectives.burn_alert import BurnAlert

Window = Literal["before", "during", "after"]
Measure = Literal[
    "error_rate",
    "availability",
    "latency",
    "latency_p95",
    "fast_answers",
    "fast_requests",
    "goodput",
    "throughput",
    "refused_rate",
    "refusal_latency",
]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$", max_length=63)]

LATENCY_QUANTILE = 0.95
# One in a hundred may tell of the client's own machine: on two cores that carry everything, one in a thousand did.
REFUSAL_QUANTILE = 0.99
LONGEST_NAME = 64  # of an entry in a summary, as the history keeps it


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a measure is: its unit, the side on which its target lies, and the quantile where it is one.

    `each_second`: it can be asked of every second of load, and so says when service is good again.
    """

    unit: str
    at_most: bool
    quantile: float | None = None
    each_second: bool = True


MEANINGS: dict[str, Meaning] = {
    "error_rate": Meaning("ratio", at_most=True),
    "availability": Meaning("ratio", at_most=False),
    "latency": Meaning("s", at_most=True, each_second=False),
    "latency_p95": Meaning("s", at_most=True, quantile=LATENCY_QUANTILE),
    "fast_answers": Meaning("ratio", at_most=False, each_second=False),
    "fast_requests": Meaning("ratio", at_most=False, each_second=False),
    "goodput": Meaning("requests/s", at_most=False),
    "throughput": Meaning("requests/s", at_most=False),
    "refused_rate": Meaning("ratio", at_most=True),
    "refusal_latency": Meaning("s", at_most=True, quantile=REFUSAL_QUANTILE),
}
AT_MOST = frozenset(name for name, meaning in MEANINGS.items() if meaning.at_most)
# Where an objective holds unless it says so itself; nothing is refused where there is no overload.
WINDOWS: dict[str, tuple[Window, ...]] = {"refused_rate": ("after",), "refusal_latency": ("during",)}
_PAID_BY_BUDGET = ("error_rate", "availability", "fast_requests")
_TIMED = ("fast_answers", "fast_requests")


class Objective(BaseModel):
    """A target for the load's requests. `name` is unique in a drill; `measure`, by default the name, says what counts:

    `error_rate` (ratio, at most), `availability` (ratio, at least), `latency` (seconds from the intended time that the
    share `quantile` of good answers and timeouts takes, at most), `latency_p95` (the same of 95 %), `fast_answers`
    (ratio of good answers and timeouts that came within `threshold_s`, at least), `fast_requests` (ratio of all
    requests that were answered well within `threshold_s`, at least), `goodput` (good answers/s, at least),
    `throughput` (answers of any kind/s, at least); of clean refusals (503 with Retry-After) `refused_rate` (ratio of
    all requests, at most) and `refusal_latency` (seconds from the intended time that 99 % of them take, at most).

    `requests` are patterns (`GET /items*`) of the names of requests that count, all where it is empty. A service level
    that holds over a long time has a `period_s` (seconds), and with it an error budget; `budget_share` is the part of
    that budget which a drill may cost, and `burn_alerts` watch how fast it goes. `source` is where the objective is
    written down, None for the drill's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Slug
    measure: Measure
    target: float = Field(ge=0)
    unit: str = ""
    windows: tuple[Window, ...] = ("before", "after")
    quantile: float | None = Field(default=None, gt=0, lt=1)
    threshold_s: float | None = Field(default=None, gt=0)
    requests: tuple[str, ...] = ()
    period_s: float | None = Field(default=None, gt=0)
    budget_share: float | None = Field(default=None, gt=0)
    burn_alerts: tuple[BurnAlert, ...] = ()
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        measure = data.get("measure", data.get("name"))
        if "measure" not in data and isinstance(measure, str) and measure not in MEANINGS:
            known = ", ".join(get_args(Measure))
            raise ValueError(f"objective {measure!r} does not say what it measures; right would be a measure: {known}")
        filled = {"measure": measure} if measure is not None else {}
        if measure in WINDOWS:
            filled["windows"] = WINDOWS[measure]
        return {**filled, **data}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        meaning = MEANINGS[self.measure]
        if self.unit not in ("", meaning.unit):
            raise ValueError(f"objective {self.name} is in {meaning.unit}, not in {self.unit}")
        if problem := self._target_problem(meaning) or self._details_problem(meaning) or self._slo_problem():
            raise ValueError(f"objective {self.name}: {problem}")
        object.__setattr__(self, "unit", meaning.unit)
        object.__setattr__(self, "quantile", self.quantile or meaning.quantile)
        return self

    def _target_problem(self, meaning: Meaning) -> str | None:
        if meaning.unit == "ratio" and self.target > 1:
            return f"target {self.target:g} is no ratio; right would be 0 to 1"
        if meaning.unit == "s" and self.target == 0:
            return "target 0 s cannot be met; right would be seconds, more than 0"
        if not self.windows and not self.burn_alerts and self.budget_share is None:
            return "no windows; right would be some of before, during, after"
        return None

    def _details_problem(self, meaning: Meaning) -> str | None:
        if (self.measure in _TIMED) != (self.threshold_s is not None):
            if self.threshold_s is None:
                return f"{self.measure} needs threshold_s, the seconds within which an answer is fast"
            return f"threshold_s is of {' and '.join(_TIMED)} only, not of {self.measure}"
        if self.measure == "latency" and self.quantile is None:
            return "latency needs a quantile, such as 0.99"
        if self.measure != "latency" and self.quantile not in (None, meaning.quantile):
            return f"quantile is of latency only, not of {self.measure}"
        return None

    def _slo_problem(self) -> str | None:
        if (self.budget_share is not None or self.burn_alerts) and not self.allowed:
            return (
                f"{self.measure} with target {self.target:g} has no error budget, so neither a share of it nor alerts"
            )
        if self.budget_share is not None and self.period_s is None:
            return "a share of the error budget needs period_s, the seconds that the budget is for"
        names = [alert.name for alert in self.burn_alerts]
        if len(set(names)) != len(names):
            return f"burn alerts {names} name one alert twice"
        for alert in self.burn_alerts:
            if len(self.entry_of(alert.name)) > LONGEST_NAME:
                return f"with its alert {alert.name} the name is longer than {LONGEST_NAME} characters; shorten one"
            if self.allowed and not alert.can_fire(self.allowed):
                most = f"{1 / self.allowed:g}"
                return f"alert {alert.name} can never fire: with all requests bad the burn rate is {most}"
        return None

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        optional = ("quantile", "threshold_s", "requests", "period_s", "budget_share", "burn_alerts", "source")
        told: dict[str, Any] = whole(self)
        return {key: value for key, value in told.items() if key not in optional or value}

    def entry_of(self, part: str) -> str:
        """The name under which a summary tells of a part of this objective: an alert, or its `budget`."""
        return f"{self.name}/{part}"

    @property
    def at_most(self) -> bool:
        """Whether the target is an upper bound."""
        return MEANINGS[self.measure].at_most

    @property
    def counts_failures(self) -> bool:
        """Whether the objective is about failed requests, which the error budget pays for during a disruption."""
        return self.measure in _PAID_BY_BUDGET

    @property
    def each_second(self) -> bool:
        """Whether service is bad in every second of load that misses this, which is how the end of a disruption is
        found. A service level of weeks allows a second to be bad; one of some requests says nothing of the others."""
        return self.source is None and not self.requests and MEANINGS[self.measure].each_second

    @property
    def allowed(self) -> float | None:
        """The ratio of requests that may be bad, or None where the objective counts no bad requests."""
        if MEANINGS[self.measure].unit != "ratio":
            return None
        return self.target if self.at_most else 1 - self.target

    @property
    def failures_allowed(self) -> float | None:
        """The ratio of requests that may fail, or None where the objective does not count failures alone."""
        return self.allowed if self.measure in ("error_rate", "availability") else None

    @property
    def samples_needed(self) -> float:
        """How many samples the objective takes: 1/(1 - target) (docs/measurement.md), so 2,000 for 99.95 %.

        Infinite for a target that allows no failure at all: no finite number of good answers proves that.
        """
        return samples_for(self.allowed if self.quantile is None else 1 - self.quantile)

    def met_by(self, value: float) -> bool:
        """Whether a measured figure meets the target."""
        return value <= self.target if self.at_most else value >= self.target


def samples_for(allowed: float | None) -> float:
    """How many samples it takes to see whether at most this ratio of them is bad; 1 where None is counted."""
    if allowed is None:
        return 1
    if allowed <= 0 or math.isinf(1 / allowed):
        return math.inf
    return math.ceil(1 / allowed - 1e-6)  # 1/(1 - 0.9995) is 2000.0000000000018 in binary
