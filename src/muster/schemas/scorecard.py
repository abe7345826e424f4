"""What `muster scorecard --json` prints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from muster.schemas.incidents import ToldIncident, ToldIndicator
from muster.schemas.released import ListedRelease

Verdict = Literal["met", "missed", "unknown"]
Evidence = Literal["cluster", "rehearsal"]


class ScorecardRun(BaseModel):
    """A run, newest first: how many of its drills came to what; `verdict` is the worst."""

    id: str
    started: str
    system: str
    cluster: str
    evidence: Evidence
    verdict: Verdict
    met: int
    missed: int
    unknown: int
    commit: str | None


class ScorecardPoint(BaseModel):
    """One drill of one run; seconds, null where it has no RTO."""

    at: str
    run: str
    evidence: Evidence
    cluster: str
    verdict: Verdict
    rto_s: float | None
    low_s: float | None
    high_s: float | None
    budget_s: float | None
    why: str


class Latest(BaseModel):
    """The latest run of each kind of evidence, null where there is none."""

    cluster: ScorecardPoint | None
    rehearsal: ScorecardPoint | None


class ScorecardDrill(BaseModel):
    """A drill: what it strikes with and is mended by, how many runs there are."""

    name: str
    system: str | None
    severity: str | None
    fault: str | None
    procedure: str | None
    budget_s: float | None
    runs: int
    latest: Latest


class Proof(BaseModel):
    """The newest drill that came to a verdict; `stale` where it is older than its cadence."""

    evidence: Evidence
    at: str
    days: float
    verdict: Verdict
    stale: bool
    drill: str


class Cell(BaseModel):
    """A fault and the procedure that mends it, null where the platform does."""

    fault: str
    procedure: str | None
    drills: list[str]
    proofs: list[Proof]


class OpenIncident(ToldIncident):
    """An incident that is not resolved; `next` says who is to be asked, empty where nobody is."""

    next: str


class Scorecard(BaseModel):
    """What stands on the page, as it was at `now` (UTC, ISO 8601)."""

    schema_: Literal["muster/scorecard/v1"] = Field(alias="schema")
    now: str
    since: str
    system: str | None
    runs: list[ScorecardRun]
    drills: list[ScorecardDrill]
    cells: list[Cell]
    overdue: list[str]
    indicators: list[ToldIndicator]
    incidents: list[OpenIncident]
    releases: list[ListedRelease]
