"""What `muster ready --json` prints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from muster.readiness.result import State
from muster.verdict.entry import VersionEntry


class ReadinessCheck(BaseModel):
    """One check: what it says in one line, what shows it, and how it is mended."""

    name: str
    state: State
    says: str
    evidence: list[str]
    mend: str


class ReadinessCategory(BaseModel):
    """One of the eight categories: the worst of its checks; not applicable where all of them are."""

    name: str
    state: State
    checks: list[ReadinessCheck]


class Readiness(BaseModel):
    """Whether a system, as it was at `taken` (UTC), is ready for a release, and the reasons why not, findings first.

    `release` is what is to be brought out, null: what runs. `version` is the one that drills must have proved, null: it
    is not known. `evidence` is the kind of drills that counts on this cluster.
    """

    schema_: Literal["muster/readiness/v1"] = Field(alias="schema")
    taken: str
    system: str
    namespace: str
    context: str
    evidence: Literal["rehearsal", "cluster"]
    release: str | None
    version: VersionEntry | None
    answer: Literal["ready", "not ready", "unknown"]
    reasons: list[str]
    categories: list[ReadinessCategory]
