"""A line of the audit log (`audit.jsonl`): who did what, to what, how it ended; and what `muster audit verify` says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Remains(BaseModel):
    """What half-written entries left right before an entry: how much, and its digest."""

    bytes: int
    sha256: Digest


class AuditLine(BaseModel):
    """One act; `when` is ISO 8601, `objects` are `Kind/name`, `ci` is the address of the pipeline's job, and further
    keys are the act's own. `hash` is the SHA-256 of the line without it, `previous` that of the entry before; `torn` is
    there where half-written entries were found before this one."""

    model_config = ConfigDict(extra="allow")

    when: str
    who: str
    host: str
    ci: str | None
    run: str | None
    act: str
    target: str
    outcome: str
    objects: list[str]
    torn: Remains | None = None
    number: Annotated[int, Field(ge=1)]
    previous: Digest
    hash: Digest


class AuditFinding(BaseModel):
    """What was done to a log; `lines` are the first and last line of the file, `entries` the first and last number."""

    kind: Literal["edit", "deletion", "truncation", "insertion", "order"]
    why: str
    lines: tuple[int, int]
    entries: tuple[int, int] | None


class AuditVerification(BaseModel):
    """What is known of a log: `finding` where something was done to it, `unknown` where that cannot be told."""

    schema_: Literal["muster/audit-verification/v1"] = Field(alias="schema")
    log: str
    outcome: Literal["fine", "finding", "unknown"]
    entries: int
    head: Digest
    anchors: list[str]
    findings: list[AuditFinding]
    unknown: list[str]
    notes: list[str]
