"""A line of the audit log (`audit.jsonl`): who did what, to what, and how it ended."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AuditLine(BaseModel):
    """One act; `when` is ISO 8601, `run` null outside of a run, and further keys are the act's own."""

    model_config = ConfigDict(extra="allow")

    when: str
    who: str
    run: str | None
    act: str
    target: str
    outcome: str
