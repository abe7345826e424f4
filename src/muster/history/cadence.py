"""How often a drill is to be held, and what is overdue.

Only a drill that came to met or missed counts: one that is unknown proved nothing, and leaves the evidence as old as
it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# The longest month, quarter and year.
PERIODS = {"monthly": timedelta(days=31), "quarterly": timedelta(days=92), "yearly": timedelta(days=366)}
# A scheduled run may wait for its turn, or be repeated after a bad weekend.
GRACE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Due:
    """When a drill's evidence is to be renewed. `at` is None where it was never held, or has no cadence."""

    cadence: str | None
    latest: datetime | None
    at: datetime | None
    overdue: bool

    def left(self, now: datetime) -> timedelta | None:
        """The time until the drill is due; negative from then on."""
        return None if self.at is None else self.at - now


def due(cadence: str | None, latest: datetime | None, now: datetime) -> Due:
    """When a drill of a cadence is due, whose latest evidence is of `latest` (None: there is none)."""
    period = PERIODS.get(cadence or "")
    if period is None:
        return Due(cadence, latest, None, overdue=False)
    if latest is None:
        return Due(cadence, None, None, overdue=True)
    at = latest + period
    return Due(cadence, latest, at, overdue=now > at + GRACE)
