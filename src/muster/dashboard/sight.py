"""What was seen of something, when, and why not since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
FRESH_S = 8.0  # what is older is not called present any more


@dataclass(frozen=True)
class Sight(Generic[T_co]):
    """`value` is what was seen `at` a time (CLOCK_MONOTONIC s), both None before anything was; `trouble` is why the
    last look failed, empty where it did not. What is older than `fresh_s` seconds is not called present any more."""

    value: T_co | None = None
    at: float | None = None
    trouble: str = ""
    fresh_s: float = FRESH_S

    def lost(self, why: str) -> Sight[T_co]:
        """The same after a look that failed: what was seen before stays, and ages."""
        return replace(self, trouble=why)

    def age_s(self, now: float) -> float | None:
        """How many seconds ago it was seen; None where it never was."""
        return None if self.at is None else max(now - self.at, 0.0)

    def is_old(self, now: float) -> bool:
        """Whether it cannot be called present: the last look failed, or none has ended for too long."""
        age = self.age_s(now)
        return age is None or bool(self.trouble) or age > self.fresh_s
