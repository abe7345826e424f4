"""When a finding becomes an alert, of which severity, and when it is over. Pure.

A value that swings around a threshold must not wake anybody twice: an alert is raised, or becomes more severe, once it
was seen so for several looks on end, and is over, or becomes less severe, once it was not for several. A look that
could not see it says neither, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

SEVERITIES = ("P1", "P2", "P3", "P4")
GOOD = "-"  # a look that saw it to be well
# So many looks on end must see it. What is severe is told sooner.
RAISED_AFTER = {"P1": 2, "P2": 2, "P3": 3, "P4": 5}
OVER_AFTER = 3
KEPT = max(*RAISED_AFTER.values(), OVER_AFTER)  # looks: earlier ones decide nothing


def decided(levels: Sequence[str], now: str | None) -> str | None:
    """The severity of an alert, None where it is none, after looks that saw these levels (the latest last), each a
    severity or GOOD. `now` is what it was until then."""
    for severity in SEVERITIES:
        if now is not None and severity >= now:
            break
        seen = levels[-RAISED_AFTER[severity] :]
        if len(seen) == RAISED_AFTER[severity] and all(_at_least(level, severity) for level in seen):
            return severity
    seen = levels[-OVER_AFTER:]
    if now is None or len(seen) < OVER_AFTER or any(_at_least(level, now) for level in seen):
        return now
    return min((level for level in seen if level != GOOD), default=None)


def _at_least(level: str, severity: str) -> bool:
    return level not in (GOOD, "") and level <= severity
