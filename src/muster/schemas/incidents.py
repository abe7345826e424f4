"""What `muster incident` and `muster indicators` print as JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

State = Literal["open", "acknowledged", "resolved"]


class ToldIncident(BaseModel):
    """An incident; times are UTC (ISO 8601), null where that has not come. `drill` is the drill that made it;
    `promises` what its system promised in place of the defaults, by severity (seconds)."""

    id: str
    system: str
    cluster: str
    severity: Literal["P1", "P2", "P3", "P4"]
    title: str
    cause: str | None
    drill: str | None
    began: str
    detected: str
    opened: str
    acknowledged: str | None
    resolved: str | None
    commander: str | None
    technical: str | None
    business: str | None
    promises: dict[str, dict[str, float]] = {}
    state: State


class Incidents(BaseModel):
    """The incidents that are not resolved, or all, the oldest first."""

    schema_: Literal["muster/incidents/v1"] = Field(alias="schema")
    incidents: list[ToldIncident]


class IncidentEntry(BaseModel):
    """What happened at a moment (UTC, ISO 8601), by whom, on which host; `data` is what machines keep of it."""

    at: str
    kind: str
    by: str
    host: str
    text: str
    data: dict[str, Any]


class IncidentWithEntries(ToldIncident):
    """An incident with all that is on record of it, the oldest first."""

    schema_: Literal["muster/incident/v1"] = Field(alias="schema")
    entries: list[IncidentEntry]


class ToldIndicator(BaseModel):
    """A figure against its target, in `unit`; `of` is of how many it was computed, `bound` how sure it is: the value
    that it exceeds with 95 % confidence."""

    name: str
    what: str
    value: float | None
    unit: Literal["s", "ratio", "count"]
    target: float | None
    better: Literal["below", "above"]
    of: int
    bound: float | None
    verdict: Literal["met", "missed", "unknown"]


class Indicators(BaseModel):
    """The indicators of a system over a time (UTC, ISO 8601)."""

    schema_: Literal["muster/indicators/v1"] = Field(alias="schema")
    system: str
    since: str
    until: str
    indicators: list[ToldIndicator]
