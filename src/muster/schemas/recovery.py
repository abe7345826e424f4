"""What `muster recover --json` and `muster procedures --json` print."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class RecoveryStep(BaseModel):
    """A step: `looks`, `skipped`, `would`, `then` or `refused` in a plan, `done`, `skipped` or `failed` when it ran.
    `seconds` is how long it took, null in a plan."""

    name: str
    state: Literal["looks", "skipped", "would", "then", "refused", "done", "failed"]
    detail: str
    seconds: float | None


class Recovery(BaseModel):
    """The plan of a procedure, or how it went; `why` is the first failing step's sentence, empty where `ok`."""

    schema_: Literal["muster/recovery/v1"] = Field(alias="schema")
    procedure: str
    context: str
    namespace: str
    arguments: dict[str, str]
    plan: bool
    ok: bool
    why: str
    steps: list[RecoveryStep]


class ListedProcedure(BaseModel):
    """A procedure that can be run; `parameters` are what it may be told, each with a line for people."""

    name: str
    summary: str
    parameters: dict[str, str]


class Procedures(BaseModel):
    """All of them, sorted by name."""

    schema_: Literal["muster/procedures/v1"] = Field(alias="schema")
    procedures: list[ListedProcedure]
