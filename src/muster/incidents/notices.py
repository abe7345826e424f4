"""What people are told of an incident. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from muster.base.clock import utc
from muster.incidents.incident import ROLES, Incident, moment
from muster.notices import Notice

# When people hear of it again at the latest, whatever there is to say.
UPDATE_EVERY_S = {"P1": 1800.0, "P2": 3600.0, "P3": 4 * 3600.0, "P4": 24 * 3600.0}
STATES = {"open": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}
SOURCE = "incident"


def key_of(incident: Incident) -> str:
    """Under what all of an incident is told: its id alone is one of its own store only."""
    return f"{incident.system}/{incident.cluster}/{incident.id}/{incident.opened}"[:255]


def notice_of(
    incident: Incident,
    *,
    state: str | None = None,
    step: str = "",
    further: Mapping[str, Any] | None = None,
    template: str | None = None,
    now: datetime | None = None,
) -> Notice:
    """What is told of an incident, by default of how it stands; `further` are fields of the moment: `why`, `asked`,
    `regraded`, or what a template of the project's own asks for."""
    return Notice(
        key=key_of(incident),
        state=state or STATES[incident.state],
        severity=incident.severity,
        system=incident.system,
        cluster=incident.cluster,
        title=incident.title,
        source=SOURCE,
        fields={**_fields(incident, now or utc()), **(further or {})},
        drill=incident.drill,
        incident=incident.id,
        step=step,
        template=template,
    )


def _fields(incident: Incident, now: datetime) -> dict[str, Any]:
    targets, began = incident.targets, moment(incident.began)
    until = now if incident.resolved is None else moment(incident.resolved)
    times = ("began", "detected", "opened", "acknowledged", "resolved")
    return {
        **{name: getattr(incident, name) for name in (*times, *ROLES, "cause")},
        "rto_s": targets.rto_s,
        "rpo_s": targets.rpo_s,
        "mttr_s": targets.mttr_s,
        "response": targets.response,
        "rto_until": began + timedelta(seconds=targets.rto_s),
        "lasts_s": max((until - began).total_seconds(), 0.0),
        "next_update": now + timedelta(seconds=UPDATE_EVERY_S[incident.severity]),
        "now": now,
    }
