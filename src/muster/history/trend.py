"""Whether a drill's latest figure differs from the earlier ones by more than they differ among themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from muster.history.statistics import spread

# Fewer say too little of their own noise; more than these would let a long past outvote the present.
EARLIER_NEEDED = 5
EARLIER_USED = 30
_NORMAL_95 = 1.96


class Change(StrEnum):
    """What became of a figure. `higher` and `lower` are beyond noise."""

    TOO_FEW = "too few runs to tell"
    NONE = "no change beyond noise"
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value known to lie in [low, high]."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float | None, low: float | None = None, high: float | None = None) -> Figure | None:
        """A figure, exact where no bounds are given; None where nothing was measured."""
        if value is None:
            return None
        return cls(value, value if low is None else low, value if high is None else high)

    @classmethod
    def of_ratio(cls, value: float | None, samples: int) -> Figure | None:
        """A ratio of so many samples, within what chance allows it (Wilson's interval, 95 %)."""
        if value is None or samples < 1:
            return cls.of(value)
        square = _NORMAL_95**2
        middle = (value + square / (2 * samples)) / (1 + square / samples)
        half = _NORMAL_95 / (1 + square / samples)
        half *= math.sqrt(value * (1 - value) / samples + square / (4 * samples**2))
        return cls(value, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Trend:
    """The latest figure against the median of `runs` earlier ones; all in the figure's own unit."""

    change: Change
    runs: int
    latest: float | None = None
    median: float | None = None
    spread: float | None = None

    @property
    def by(self) -> float | None:
        """How much higher the latest is than the median of the earlier ones."""
        return None if self.latest is None or self.median is None else self.latest - self.median


def width(runs: int) -> float:
    """How many robust standard deviations of `runs` values another one of the same normal noise stays within.

    On either side it is passed once in 200 by chance. The fewer the values, the less their MAD is to be relied on;
    fitted to simulations (tests/history/test_trend.py repeats them), 2.58 in the limit.
    """
    return 2.58 * (1 + 5.8 / (runs - 3.8))


def compare(earlier: Sequence[Figure], latest: Figure | None) -> Trend:
    """Compare the latest figure with earlier ones, oldest first.

    A change is one only if no value in the latest's interval is explained by the noise of the earlier values, or by how
    exactly they were measured.
    """
    used = earlier[-EARLIER_USED:]
    if latest is None or len(used) < EARLIER_NEEDED:
        return Trend(Change.TOO_FEW, len(used), None if latest is None else latest.value)
    middle, sigma = spread([figure.value for figure in used])
    blurred, _ = spread([(figure.high - figure.low) / 2 for figure in used])
    noise = max(width(len(used)) * sigma, blurred)
    change = Change.NONE
    if latest.low > middle + noise:
        change = Change.HIGHER
    elif latest.high < middle - noise:
        change = Change.LOWER
    return Trend(change, len(used), latest.value, middle, sigma)
