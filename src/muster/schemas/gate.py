"""What `muster gate` prints with --json; the statement is that of `muster.gate.statement`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from muster.gate.statement import Item, Outcome, Purpose, Statement, Waiver


class GateVerification(BaseModel):
    """Whether a file opens a gate: `verdict` is that of the file now, or missed where it was `refused`, which says why.
    `key` is the file of the key that signed it."""

    schema_: Literal["muster/gate-verification/v1"] = Field(alias="schema")
    verdict: Outcome
    refused: str | None
    why: list[str]
    key: str | None
    statement: Statement | None


class GateHeld(BaseModel):
    """What `muster gate --json` prints: a gate as it was held. `file` is where it was signed to; where it is null,
    `unsigned` says why. `waivers` are those that were needed."""

    schema_: Literal["muster/gate/v1"] = Field(alias="schema")
    system: str
    release: str
    purpose: Purpose = Field(alias="for")
    cluster: str
    version: dict[str, Any]
    verdict: Outcome
    why: list[str]
    items: list[Item]
    waivers: list[Waiver]
    file: str | None
    unsigned: str


class GatePlan(BaseModel):
    """What `muster gate RELEASE --plan --json` prints: what would be looked at, asked and written."""

    schema_: Literal["muster/gate-plan/v1"] = Field(alias="schema")
    purpose: Purpose = Field(alias="for")
    looks: list[str]
    drills: list[str]
    asks: list[str]
    writes: list[str]


class GateAnswer(BaseModel):
    """What `muster gate answer --json` prints: an answer as it is kept, of the version with that digest."""

    schema_: Literal["muster/gate-answer/v1"] = Field(alias="schema")
    question: str
    said: Literal["yes", "no"]
    by: str
    why: str
    at: str
    version: str
