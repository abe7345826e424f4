"""Which drills a person asks for."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from sqlalchemy import ColumnElement

from muster.base.errors import UsageError
from muster.history.facts import DrillFacts, Scope
from muster.store.schema import DRILLS, RUNS

_AGO = re.compile(r"(\d+)([mhdwy])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; None, or empty, is everything.

    `drills` are patterns such as `db_*`. `since` (included) and `until` (excluded) are UTC. `last` keeps the newest of
    each drill in each scope. Verdicts are no filter here: a rate of success over successes only would be a lie.
    """

    drills: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    system: str | None = None
    cluster: str | None = None
    evidence: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    last: int | None = None

    def names(self, drill: str) -> bool:
        """Whether a drill of that name is asked for."""
        return not self.drills or any(fnmatchcase(drill, pattern) for pattern in self.drills)

    def sift(self, drills: Iterable[DrillFacts]) -> list[DrillFacts]:
        """Apply what is not left to the database; order is kept."""
        named = [drill for drill in drills if self.names(drill.name)] if self.drills else list(drills)
        if self.last is None:
            return named
        kept: dict[tuple[Scope, str], deque[int]] = {}
        for drill in named:
            kept.setdefault((drill.scope, drill.name), deque(maxlen=self.last)).append(drill.id)
        ids = {key for keys in kept.values() for key in keys}
        return [drill for drill in named if drill.id in ids]


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What the database is asked for."""
    found: list[ColumnElement[bool]] = []
    if filters.severities:
        found.append(DRILLS.c.severity.in_(filters.severities))
    wanted = {name: getattr(filters, name) for name in Scope._fields}
    found += [RUNS.c[name] == value for name, value in wanted.items() if value is not None]
    if filters.since is not None:
        found.append(DRILLS.c.at >= stamp(filters.since))
    if filters.until is not None:
        found.append(DRILLS.c.at < stamp(filters.until))
    return found


def stamp(moment: datetime) -> str:
    """A moment as the tables have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text: str, now: datetime) -> datetime:
    """A date or time, UTC unless it says otherwise, or so long before `now`: `2026-03-01`, `5m`, `36h`, `8w`, `1y`.

    Raises:
        UsageError: it is none of these.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return now - int(ago[1]) * _UNITS[ago[2]]
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"'{text}' is no time; right would be 2026-03-01, 2026-03-01T12:00, 5m, 36h, 30d, 8w or 1y"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
