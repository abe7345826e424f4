"""What `muster monitoring write` and `muster monitor` print as JSON."""

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


Severity = Literal["P1", "P2", "P3", "P4"]


class MonitorFinding(BaseModel):
    """Something that is wrong; `explained`: it follows from something else, which is told in its place."""

    object: str
    severity: Severity
    title: str
    explained: bool


class MonitorAlert(BaseModel):
    """An alert that there is; times are UTC (ISO 8601)."""

    object: str
    severity: Severity
    title: str
    began: str
    raised: str


class MonitorChange(BaseModel):
    """What the look changed; `id` is the change's for good. `severity` is null where the alert is over."""

    id: int
    object: str
    what: Literal["raised", "changed", "over"]
    severity: Severity | None
    was: Severity | None
    title: str


class MonitorRound(BaseModel):
    """One look (UTC, ISO 8601), and what came of it. Where it is not `remembered`, nothing is known of alerts."""

    schema_: Literal["muster/monitor/v1"] = Field(alias="schema")
    at: str
    remembered: bool
    checks: dict[str, Literal["fine", "finding", "unknown"]]
    findings: list[MonitorFinding]
    unseen: list[str]
    alerts: list[MonitorAlert]
    changes: list[MonitorChange]
    told: list[str]
    troubles: list[str]
