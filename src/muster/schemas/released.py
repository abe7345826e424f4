"""What `muster history releases --json` prints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from muster.release.record import DatabaseAt, State

Decided = Literal["go on", "promote", "hold", "roll back"]


class KeptReturn(BaseModel):
    """How a rollback went, in seconds since the decision: when the weights were written, in force, and when all traffic
    was seen on the old version; by what, and what could not be seen."""

    written_s: float
    in_force_s: float
    verified_s: float
    verified: str
    doubt: str


class ListedRelease(BaseModel):
    """How a release went, as it was `told` last; times are UTC (ISO 8601), shares from 0 to 1.

    `phase` and `share` are where it is, or of one that was rolled back, where it was when it had traffic last.
    `cause` is by what it was decided to roll it back, empty where that was not: `trigger`, `check`, `blind`, `outside`,
    `step`, `person`. `by` and `host` are who looked after it last, `epoch` counts them.
    """

    id: str
    system: str
    cluster: str
    namespace: str
    evidence: Literal["cluster", "rehearsal"]
    release: str
    version: str
    stable: str
    images: dict[str, str]
    began: str
    ended: str | None
    state: State
    phase: str
    share: float
    way: str
    why: str
    cause: str
    by: str
    host: str
    epoch: int
    time_scale: float
    roles: dict[str, str]
    database: DatabaseAt | None
    backup: str | None
    returned: KeptReturn | None
    told: str


class ReleaseEvent(BaseModel):
    """Something that happened to a release, in a phase in which it had `share` of traffic."""

    at: str
    what: str
    by: str
    phase: str
    share: float


class SeenSide(BaseModel):
    """What was seen of one version since the phase began, null where it could not be had."""

    requests: float | None
    failed: float | None
    p95_s: float | None


class SeenTrigger(BaseModel):
    """What was said of a trigger."""

    name: str
    verdict: Literal["fine", "worse", "undecided", "no data"]
    why: str


class ReleaseLook(BaseModel):
    """A look, `at_s` seconds of the plan after the phase began, and what was decided after it."""

    at: str
    phase: str
    at_s: float
    share: float
    decision: Decided
    why: str
    stable: SeenSide
    canary: SeenSide
    triggers: list[SeenTrigger]


class Releases(BaseModel):
    """Releases, the oldest first."""

    schema_: Literal["muster/releases/v1"] = Field(alias="schema")
    releases: list[ListedRelease]


class KeptRelease(ListedRelease):
    """One release, with what happened to it and what was seen of it, the oldest first."""

    schema_: Literal["muster/kept-release/v1"] = Field(alias="schema")
    events: list[ReleaseEvent]
    looks: list[ReleaseLook]
