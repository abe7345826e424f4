"""What `muster gate verify --json` prints; the statement is that of `muster.gate.statement`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from muster.gate.statement import Outcome, Statement


class GateVerification(BaseModel):
    """Whether a file opens a gate: `verdict` is that of the file now, or missed where it was `refused`, which says why.
    `key` is the file of the key that signed it."""

    schema_: Literal["muster/gate-verification/v1"] = Field(alias="schema")
    verdict: Outcome
    refused: str | None
    why: list[str]
    key: str | None
    statement: Statement | None
