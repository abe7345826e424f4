"""What an incident is, and what is noted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muster.base.errors import UsageError
from muster.objectives.severity import SeverityTargets, severity_targets

# Who does what: one who decides, those who mend, those who speak with everybody else.
ROLES = ("commander", "technical", "business")
# What an entry says: the first five are how it goes, the others what else was done meanwhile, and by what.
KINDS = (
    *("opened", "acknowledged", "severity", "role", "resolved"),
    *("note", "escalated", "diagnosis", "recovery", "notice", "alert", "drill"),
)


class IncidentError(UsageError):
    """There is no such incident, or what is wanted of it is not possible."""


@dataclass(frozen=True)
class Entry:
    """Something that happened during an incident, at a moment (UTC, ISO 8601), by a person or a command on a host.

    `data` is what machines keep of it, such as the findings of a diagnosis; anything that JSON can say.
    """

    at: str
    kind: str
    by: str
    host: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Incident:
    """An incident; times are UTC (ISO 8601), None where that has not come.

    `began` is when service was first hurt as far as is known, `detected` when somebody or something saw it, `opened`
    when it was written down. `drill` names the drill that made it, None where it was in earnest; `cause` is the object
    that was found to be it. `promises` is what its system promised when it was opened, in
    place of muster's own table, by severity (seconds; see `severity_targets`).
    """

    id: str
    system: str
    cluster: str
    severity: str
    title: str
    cause: str | None
    drill: str | None
    began: str
    detected: str
    opened: str
    acknowledged: str | None = None
    resolved: str | None = None
    commander: str | None = None
    technical: str | None = None
    business: str | None = None
    promises: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """`open`, `acknowledged` or `resolved`."""
        return "resolved" if self.resolved else "acknowledged" if self.acknowledged else "open"

    @property
    def targets(self) -> SeverityTargets:
        """What its severity promises."""
        return severity_targets(self.severity, self.promises)

    def seconds(self, since: str, until: str) -> float | None:
        """The seconds between two of its times by their names; None where one of them has not come."""
        first, last = getattr(self, since), getattr(self, until)
        return None if first is None or last is None else (moment(last) - moment(first)).total_seconds()


def span(seconds: float) -> str:
    """So many seconds for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def moment(text: str) -> datetime:
    """A time of the store."""
    return datetime.fromisoformat(text)
