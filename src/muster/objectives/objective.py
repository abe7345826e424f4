"""One objective: a figure of the load, its target, and the windows of a drill in which the target holds."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Window = Literal["before", "during", "after"]
Name = Literal["error_rate", "latency_p95", "availability", "goodput", "throughput", "refused_rate", "refusal_latency"]

UNITS: dict[str, str] = {
    "error_rate": "ratio",
    "latency_p95": "s",
    "availability": "ratio",
    "goodput": "requests/s",
    "throughput": "requests/s",
    "refused_rate": "ratio",
    "refusal_latency": "s",
}
AT_MOST = frozenset(("error_rate", "latency_p95", "refused_rate", "refusal_latency"))
LATENCY_QUANTILE = 0.95
# One in a hundred may tell of the client's own machine: on two cores that carry everything, one in a thousand did.
REFUSAL_QUANTILE = 0.99
# Where an objective holds unless it says so itself; nothing is refused where there is no overload.
WINDOWS: dict[str, tuple[Window, ...]] = {"refused_rate": ("after",), "refusal_latency": ("during",)}


class Objective(BaseModel):
    """A target for the load's requests.

    `error_rate` (ratio, at most), `latency_p95` (seconds from the intended time, at most), `availability` (ratio, at
    least), `goodput` (good answers/s, at least), `throughput` (answers of any kind/s, at least); of clean refusals
    (503 with Retry-After) `refused_rate` (ratio of all requests, at most) and `refusal_latency` (seconds from the
    intended time that 99 % of them take, at most).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    target: float = Field(ge=0)
    unit: str = ""
    windows: tuple[Window, ...] = ("before", "after")

    @model_validator(mode="before")
    @classmethod
    def _default_windows(cls, data: Any) -> Any:
        if isinstance(data, dict) and "windows" not in data and data.get("name") in WINDOWS:
            return {**data, "windows": WINDOWS[data["name"]]}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        unit = UNITS[self.name]
        if self.unit not in ("", unit):
            raise ValueError(f"objective {self.name} is in {unit}, not in {self.unit}")
        if unit == "ratio" and self.target > 1:
            raise ValueError(f"objective {self.name}: target {self.target:g} is no ratio; right would be 0 to 1")
        if unit == "s" and self.target == 0:
            raise ValueError(f"objective {self.name}: target 0 s cannot be met; right would be seconds, more than 0")
        if not self.windows:
            raise ValueError(f"objective {self.name}: no windows; right would be some of before, during, after")
        object.__setattr__(self, "unit", unit)
        return self

    @property
    def at_most(self) -> bool:
        """Whether the target is an upper bound."""
        return self.name in AT_MOST

    @property
    def counts_failures(self) -> bool:
        """Whether the objective is about failed requests, which the error budget pays for during a disruption."""
        return self.name in ("error_rate", "availability")

    @property
    def failures_allowed(self) -> float | None:
        """The ratio of requests that may fail, or None where the objective does not count failures."""
        if self.name == "availability":
            return 1 - self.target
        return self.target if self.name == "error_rate" else None

    @property
    def samples_needed(self) -> float:
        """How many samples the objective takes: 1/(1 - target) (MEASURES.md), so 2,000 for 99.95 %.

        Infinite for a target that allows no failure at all: no finite number of good answers proves that.
        """
        allowed = self._beyond
        if allowed is None:
            return 1
        if allowed <= 0:
            return math.inf
        return math.ceil(1 / allowed - 1e-6)  # 1/(1 - 0.9995) is 2000.0000000000018 in binary

    @property
    def _beyond(self) -> float | None:
        """The ratio of samples that may lie beyond the target, or None where the objective is no such ratio."""
        if self.name == "latency_p95":
            return 1 - LATENCY_QUANTILE
        if self.name == "refusal_latency":
            return 1 - REFUSAL_QUANTILE
        return self.target if self.name == "refused_rate" else self.failures_allowed

    def met_by(self, value: float) -> bool:
        """Whether a measured figure meets the target."""
        return value <= self.target if self.at_most else value >= self.target
