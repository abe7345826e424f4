"""When a release is not as good as it must be: `release.analysis` of system.yaml (docs/releasing.md)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from muster.system.schema import Ratio, Seconds, Strict

Compare = Literal["limit", "stable", "both"]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Times = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
PROPORTIONS = ("error_rate", "latency")
VALUES = ("failed_agents", "workflow_errors", "cpu", "memory")
TRIGGERS = PROPORTIONS + VALUES
# In a rehearsal nothing is looked at more often, and no phase is left with less.
FEWEST = 20


class _Trigger(Strict):
    """`compare` says with what: the `limit`, `stable` side by side, or `both`, of which either is enough.

    Worse than stable is what is more than `times` as much and more than `margin` above it. Below `least` samples a
    phase is not left.
    """

    compare: Compare
    times: Times
    margin: Amount
    least: Count

    @property
    def with_limit(self) -> bool:
        """Whether the limit holds."""
        return self.compare != "stable"

    @property
    def with_stable(self) -> bool:
        """Whether it is compared with stable."""
        return self.compare != "limit"


class ErrorRate(_Trigger):
    """Failed requests of all; `limit` and `margin` are ratios from 0 to 1."""

    limit: Ratio = 0.005
    compare: Compare = "both"
    times: Times = 2.0
    margin: Share = 0.001
    least: Count = 300


class SlowRequests(_Trigger):
    """Requests slower than `limit_s` seconds, of which `slower` (a ratio) may be: 0.05 makes it the P95.

    Beside stable all bounds of the latency histogram count, not the limit alone.
    """

    limit_s: Seconds = 1.0
    slower: Ratio = 0.05
    compare: Compare = "both"
    times: Times = 1.5
    margin: Share = 0.02
    least: Count = 300


class Amounts(_Trigger):
    """A value that may not be above `limit` at so many `looks` running."""

    limit: Amount
    compare: Compare = "limit"
    times: Times = 2.0
    margin: Amount
    looks: Count = 1
    least: Count = 1


class FailedAgents(Amounts):
    """How many agents have failed."""

    limit: Amount = 5.0
    margin: Amount = 5.0
    looks: Count = 2


class WorkflowErrors(Amounts):
    """How many workflows have failed since the phase began."""

    limit: Amount = 10.0
    margin: Amount = 10.0


class Cpu(Amounts):
    """What the pods use of the processors that they may use, from 0 to 1."""

    limit: Amount = 0.9
    times: Times = 1.5
    margin: Amount = 0.2
    looks: Count = 6
    least: Count = 6


class Memory(Cpu):
    """What the pods use of the memory that they may use, from 0 to 1."""

    compare: Compare = "both"


class ReleaseAnalysis(Strict):
    """How a release is watched: every `every_s` seconds, by triggers of which null is not looked at.

    `alpha` is how likely chance may abort a good release, at most, all phases and triggers together. What lacks data
    is held, for `hold_s` seconds at most, and then rolled back. `cpu` and `memory` are shares (0 to 1) of the limits
    of the pods.
    """

    every_s: Seconds = 10.0
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    hold_s: Seconds = 300.0
    error_rate: ErrorRate | None = ErrorRate()
    latency: SlowRequests | None = SlowRequests()
    failed_agents: FailedAgents | None = FailedAgents()
    workflow_errors: WorkflowErrors | None = WorkflowErrors()
    cpu: Cpu | None = Cpu()
    memory: Memory | None = Memory()

    @model_validator(mode="after")
    def _looks_at_something(self) -> Self:
        if not self.names():
            raise ValueError(f"every trigger is null, and any release would do; right would be one of {TRIGGERS}")
        return self

    def names(self) -> tuple[str, ...]:
        """The triggers that are looked at."""
        return tuple(name for name in TRIGGERS if getattr(self, name) is not None)

    def without(self, *names: str) -> ReleaseAnalysis:
        """The same without triggers that a system has nothing for.

        Raises:
            ValueError: no trigger is left.
        """
        return ReleaseAnalysis.model_validate({**self.model_dump(), **dict.fromkeys(names)})
