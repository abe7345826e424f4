"""Times as people are shown them: `5s`, `3m20s`, `4d`."""

from __future__ import annotations

from muster.embedded.objects import Object, age_seconds

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Below so many seconds: the large unit, and the small one (0: none) with their letters.
_STEPS = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * 365 * _DAY, _DAY, "d", 0, ""),
    (8 * 365 * _DAY, 365 * _DAY, "y", _DAY, "d"),
)


def human_duration(seconds: float) -> str:
    """A duration in the style of kubectl: two units while that says something, one later."""
    whole = max(int(seconds), 0)
    for below, large, large_unit, small, small_unit in _STEPS:
        if whole < below:
            rest = whole % large // small if small else 0
            return f"{whole // large}{large_unit}" + (f"{rest}{small_unit}" if rest else "")
    return f"{whole // (365 * _DAY)}y"


def age(timestamp: str) -> str:
    """How long ago a time was."""
    return human_duration(age_seconds(timestamp))


def age_of(obj: Object) -> str:
    """How long ago an object was created."""
    created = obj["metadata"].get("creationTimestamp")
    return age(created) if created else "<unknown>"
