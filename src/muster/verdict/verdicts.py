"""Three values: met, missed, unknown, and how several become one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What is known about an objective. Unknown is never as good as met."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Missed if any is missed; else unknown if any is unknown or there are none; else met.

    It is the rule of docs/measurement.md, Verdict.
    """
    found = set(verdicts)
    if Verdict.MISSED in found:
        return Verdict.MISSED
    if Verdict.UNKNOWN in found or not found:
        return Verdict.UNKNOWN
    return Verdict.MET


def at_most(low: float, high: float | None, target: float) -> Verdict:
    """Judge a value known to lie in [low, high] (high None: unbounded) against an upper bound."""
    if low > target:
        return Verdict.MISSED
    return Verdict.MET if high is not None and high <= target else Verdict.UNKNOWN
