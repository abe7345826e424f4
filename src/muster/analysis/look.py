"""What is seen of a release at one time: stable and canary side by side, and what could not be had.

A look is a record of readings as they came. What makes no sense among them (NaN, negative counts, more failed than
asked) is kept as it is and taken for missing where looks are judged: see `muster.analysis.counts`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Reading(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Reading):
    """A value, and how many samples it rests on."""

    value: float
    samples: int = 1


class Counted(_Reading):
    """How many requests there were, and how many of them failed."""

    requests: float
    failed: float


class Latency(_Reading):
    """A histogram: of `count` requests `at_most[i]` took `bounds_s[i]` seconds at the most.

    Cumulative, as Prometheus has it, without the last bound, which is infinite. Where only the number slower than a
    limit is known, that limit is the one bound.
    """

    count: float
    bounds_s: tuple[float, ...]
    at_most: tuple[float, ...]


class Side(_Reading):
    """What is seen of one version, its counts since the phase began; `missing` says why a reading is not there.

    `kinds` are requests by their kind (a route, an operation). `cpu` and `memory` are shares (0 to 1) of the limits of
    its pods.
    """

    requests: float | None = None
    failed: float | None = None
    latency: Latency | None = None
    kinds: dict[str, Counted] = {}
    failed_agents: Value | None = None
    workflow_errors: Value | None = None
    cpu: Value | None = None
    memory: Value | None = None
    missing: dict[str, str] = {}


class Look(_Reading):
    """Stable and canary `at_s` seconds after a phase began in which canary has `share` (0 to 1) of the traffic.

    `triggers` are those that the release was watched by, None where that is not said; in a rehearsal `at_s` is the time
    of the plan, `time_scale` times what has passed.
    """

    at_s: Annotated[float, Field(allow_inf_nan=False)]
    phase: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(gt=0, le=1)]
    stable: Side
    canary: Side
    utc: str | None = None
    triggers: tuple[str, ...] | None = None
    time_scale: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0


class RecordedLook(Look):
    """A line of a recording (docs/releasing.md)."""

    schema_: Annotated[Literal["muster/release-recording/v1"], Field(alias="schema")]
