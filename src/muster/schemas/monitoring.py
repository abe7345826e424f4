"""What `muster monitoring write` prints as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class MonitoringFile(BaseModel):
    """A file that is written, and how the one on the disk was before."""

    path: str
    what: str
    was: Literal["same", "changed", "missing"]


class LeftOutLevel(BaseModel):
    """A service level that Prometheus cannot watch, with why."""

    name: str
    why: str


class MonitoringFiles(BaseModel):
    """The files by which a system is watched; `written` is false where that was only looked at or planned.

    `without_channel` are the severities, and `escalation` and `heartbeat`, of which nobody is told.
    """

    schema_: Literal["muster/monitoring/v1"] = Field(alias="schema")
    system: str
    written: bool
    files: list[MonitoringFile]
    left_out: list[LeftOutLevel]
    without_channel: list[str]
