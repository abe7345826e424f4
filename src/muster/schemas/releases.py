"""What is said of releases: decisions, and recordings that were played again."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from muster.analysis.judgement import Action, TriggerVerdict
from muster.analysis.replay import Outcome
from muster.release.record import Release


class Trigger(BaseModel):
    """What a trigger says, by so many `samples` of canary; `least` are needed; `alike`: stable fares as badly."""

    name: str
    verdict: TriggerVerdict
    reason: str
    samples: float
    least: int
    alike: bool


class ReleaseDecision(BaseModel):
    """What is to be done after a look; in seconds how much of the bake counts and is left, and how long is held."""

    action: Action
    why: str
    baked_s: float
    left_s: float
    held_s: float
    triggers: list[Trigger]


class ReleaseStep(BaseModel):
    """A look, `at_s` seconds into a phase, at which what is to be done was no longer what it was."""

    phase: str
    at_s: float
    action: Action
    why: str


class ReleaseReplay(BaseModel):
    """Where a recorded release would have ended: `at_s` seconds into a phase, `in_all_s` into the release."""

    schema_: Literal["muster/release-replay/v1"] = Field(alias="schema")
    outcome: Outcome
    phase: str
    at_s: float
    in_all_s: float
    why: str
    looks: int
    steps: list[ReleaseStep]
    decision: ReleaseDecision


class ReturnedTraffic(BaseModel):
    """How a rollback went, in seconds since the decision: when the weights were written, in force, and when clients
    were seen to be answered by the old version alone; `doubt` is what could not be seen of that."""

    written_s: float
    in_force_s: float
    verified_s: float
    verified: str
    doubt: str


class ReleaseResult(BaseModel):
    """What `muster deploy --json` and `muster rollback --json` end with."""

    schema_: Literal["muster/release-result/v1"] = Field(alias="schema")
    release: Release
    returned: ReturnedTraffic | None
