"""What `muster diagnose` and `muster status` save and print: a snapshot of a system, what is wrong in it, the list of
checks, and the system at a glance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class Unseen(BaseModel):
    """A part that could not be had: `what` it is, and `why` in one line."""

    what: str
    why: str


class LastLines(BaseModel):
    """The last lines that a container wrote, or with `previous` its instance before; secrets are masked."""

    namespace: str
    pod: str
    container: str
    previous: bool
    lines: list[str]


class Snapshot(BaseModel):
    """A system as it was at `taken` (UTC). `objects` are those of the cluster, without values of Secrets; of the kinds
    that are `listed` it holds all. `answers` are those of the service, the databases and the monitoring, by part."""

    schema_: Literal["muster/snapshot/v1"] = Field(alias="schema")
    taken: str
    namespace: str
    context: str
    kubernetes: str
    listed: list[str]
    objects: list[dict[str, Any]]
    logs: list[LastLines]
    system: dict[str, Any]
    answers: dict[str, Any]
    missing: list[Unseen]


class Remedy(BaseModel):
    """The recovery procedure that fits, with its arguments."""

    name: str
    arguments: dict[str, str]


class DiagnosedFinding(BaseModel):
    """Something that is wrong. `follows_from` are the places, in the list of findings, of those that explain it."""

    kind: str
    name: str
    namespace: str | None
    severity: Literal["P1", "P2", "P3", "P4"]
    reason: str
    since: str | None
    evidence: list[str]
    follows_from: list[int]
    procedure: Remedy | None
    check: str


class Diagnosis(BaseModel):
    """What is wrong, the most causal finding first, and what could not be seen."""

    schema_: Literal["muster/diagnosis/v1"] = Field(alias="schema")
    namespace: str
    taken: str
    findings: list[DiagnosedFinding]
    unknown: list[Unseen]


class ListedCheck(BaseModel):
    """A check that `muster diagnose` makes."""

    name: str
    category: str
    summary: str


class Checks(BaseModel):
    """All of them, or those that were chosen."""

    schema_: Literal["muster/checks/v1"] = Field(alias="schema")
    checks: list[ListedCheck]


class ShownPart(BaseModel):
    """One part of a system: how it is, and what is to be said of it in one line."""

    name: Literal["service", "release", "pods", "database", "agents", "workflows", "faults", "procedures", "findings"]
    state: Literal["fine", "finding", "unknown"]
    says: str


class ShownWorkload(BaseModel):
    """How many pods of a workload are ready, of how many that are wanted."""

    kind: str
    namespace: str
    name: str
    ready: int
    wanted: int


class TrafficShare(BaseModel):
    """The share of traffic that a new version is to have, and what the way of sharing makes of it (0 to 1)."""

    wanted: float
    possible: float
    way: str


class TriggerShown(BaseModel):
    """What the last look says of a trigger."""

    name: str
    verdict: Literal["fine", "worse", "undecided", "no data"]
    why: str


class BakeShown(BaseModel):
    """A bake under way, in seconds of its plan; `decision` is what the last look (`seen`, UTC) led to."""

    phase: str
    began: str
    limit_s: float
    baked_s: float
    left_s: float
    held_s: float
    looks: int
    decision: str
    why: str
    triggers: list[TriggerShown]
    seen: str


class ShownRelease(BaseModel):
    """A release as its record tells (muster/release-state/v1), of which this is a part. Times are UTC."""

    id: str
    release: str
    version: str
    state: str
    phase: str
    share: TrafficShare
    began: str
    ended: str
    by: str
    host: str
    time_scale: float
    why: str
    bake: BakeShown | None


class Status(BaseModel):
    """A system as it was at `taken` (UTC), `age_s` seconds ago. Of the optional parts only those that it has are there;
    `service` and `database` are their answers, as a snapshot has them. `release` is the release of the system, the last
    one where none is under way; null where there was none, or nobody could see (then `unknown` says why). `findings` is
    how many there are, `first` the most causal."""

    schema_: Literal["muster/status/v1"] = Field(alias="schema")
    taken: str
    age_s: float
    system: str | None
    namespace: str
    context: str
    kubernetes: str
    state: Literal["fine", "finding", "unknown"]
    parts: list[ShownPart]
    workloads: list[ShownWorkload]
    service: dict[str, Any] | None
    database: dict[str, Any] | None
    release: ShownRelease | None
    findings: int
    first: DiagnosedFinding | None
    unknown: list[Unseen]
