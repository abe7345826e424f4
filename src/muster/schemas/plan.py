"""What `muster plan --json` and `pytest --drill-plan=FILE` write."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from muster.history.plan import Planned


class Plan(BaseModel):
    """The drills as their markers declare them; `skipped` are files that pytest skipped as a whole."""

    schema_: Literal["muster/plan/v1"] = Field(alias="schema")
    drills: list[Planned]
    skipped: list[str] = []
