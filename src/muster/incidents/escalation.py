"""Who is to be asked next, when nobody takes an incident up, or it lasts longer than its severity promises. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from muster.incidents.incident import Entry, Incident, moment

# What "at once" means before somebody else is asked: half of the mean time to acknowledge that is promised (10 min).
AT_ONCE_S = 300.0
SATURDAY = 5


@dataclass(frozen=True)
class Escalation:
    """From `at` on somebody else is to be asked: the one who has `role`, for the reason `why`. `key` is its name."""

    key: str
    at: datetime
    role: str
    why: str


def ladder(incident: Incident) -> list[Escalation]:
    """All that would come of an incident that nobody touches, in the order of time."""
    return sorted((*_unacknowledged(incident), *_unresolved(incident)), key=lambda one: one.at)


def overdue(incident: Incident, entries: Sequence[Entry], now: datetime) -> list[Escalation]:
    """Those whose time has come by now and that were not noted yet."""
    if incident.resolved:
        return []
    known = _noted(entries)
    asked = ladder(incident) if not incident.acknowledged else list(_unresolved(incident))
    return [one for one in asked if one.at <= now and one.key not in known]


def _unacknowledged(incident: Incident) -> Iterator[Escalation]:
    opened = moment(incident.opened)
    response_s = incident.targets.response_s
    if response_s is None:
        by = _next_working_day(opened)
        yield Escalation("unacknowledged", by, "commander", "nobody has taken it up by the end of the next working day")
        return
    first = max(response_s, AT_ONCE_S)
    for key, role, after_s in (("unacknowledged", "commander", first), ("still unacknowledged", "business", 2 * first)):
        yield Escalation(key, opened + timedelta(seconds=after_s), role, f"nobody has taken it up for {_text(after_s)}")


def _unresolved(incident: Incident) -> Iterator[Escalation]:
    targets, began = incident.targets, moment(incident.began)
    rto_s, mttr_s = targets.rto_s, targets.mttr_s
    why = f"its RTO of {_text(rto_s)} is over"
    yield Escalation("RTO", began + timedelta(seconds=rto_s), "commander", why)
    if mttr_s is not None:
        why = f"it lasts for longer than {_text(mttr_s)}, the time to restore that {incident.severity} promises"
        yield Escalation("MTTR", began + timedelta(seconds=mttr_s), "business", why)


def _noted(entries: Iterable[Entry]) -> set[str]:
    return {str(entry.data.get("step")) for entry in entries if entry.kind == "escalated"}


def _next_working_day(since: datetime) -> datetime:
    """The end of the next day that is neither Saturday nor Sunday, in the times' own zone."""
    day = since.date() + timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=since.tzinfo)


def _text(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"
