"""What `muster history --json` writes: drills in each scope, with their runs."""

from __future__ import annotations

from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, Field, create_model

from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.history.trend import Change
from muster.verdict.entry import VersionEntry
from muster.verdict.many.repeated import RepeatEntry


def _columns(facts: type[Any], key: str) -> dict[str, Any]:
    """The columns of a query but for its key, as fields of a model."""
    return {name: (kind, ...) for name, kind in get_type_hints(facts).items() if name != key}


RunObjective: type[BaseModel] = create_model("RunObjective", **_columns(ObjectiveFacts, "drill_id"))
Run: type[BaseModel] = create_model(
    "Run",
    __doc__="One drill of one run, oldest first; seconds.",
    **_columns(DrillFacts, "id"),
    objectives=(list[RunObjective], ...),
)


class Due(BaseModel):
    """By when a drill is to be held again; null where it has no cadence or was never held."""

    cadence: str | None
    latest_evidence: str | None
    age_days: float | None
    at: str | None
    left_days: float | None
    overdue: bool


class Success(BaseModel):
    """How often it succeeded; `lower_bound_95` is the least rate with 95 % confidence."""

    met: int
    missed: int
    unknown: int
    rate: float | None
    lower_bound_95: float
    wanted_in_a_row: int


class Trend(BaseModel):
    """The latest figure against earlier ones."""

    change: Change
    by: float | None
    latest: float | None
    median_earlier: float | None
    spread_earlier: float | None
    earlier_runs: int


class ObjectiveTrend(Trend):
    """The same of an objective of the load in one window."""

    name: str
    window: str
    target: float


class Regression(BaseModel):
    """The latest RTO against earlier runs, in seconds; `found` is null where they are too few to tell."""

    found: bool | None
    runs: int
    latest_s: float | None
    median_s: float | None
    max_s: float | None
    chance: float | None
    needed_runs: int
    why: str


class Drill(BaseModel):
    """One drill on one system and cluster; these are null of a drill that was never held."""

    name: str
    system: str | None
    cluster: str | None
    evidence: str | None
    severity: str | None
    verdict: str | None
    due: Due
    success: Success
    rto: Trend
    regression: Regression
    repeats: RepeatEntry | None
    objectives: list[ObjectiveTrend]
    runs: list[Run]


class History(BaseModel):
    """The whole document; times of day are ISO 8601. `versions` are those that runs name by their `version`, a key;
    null there: of an unknown version."""

    schema_: Literal["muster/history/v1"] = Field(alias="schema")
    now: str
    versions: dict[str, VersionEntry]
    drills: list[Drill]
