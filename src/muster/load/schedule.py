"""When each request of an open loop is meant to be sent, while the wanted rate changes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

Gap = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Stage:
    """From `begin` on, for `lasts` seconds, the rate goes evenly from `first` to `last` (requests/s)."""

    begin: float
    lasts: float
    first: float
    last: float

    def rate_at(self, moment: float) -> float:
        """The rate at a moment of the stage."""
        if math.isinf(self.lasts):
            return self.first
        return self.first + (self.last - self.first) * (moment - self.begin) / self.lasts

    def wanted(self, start: float, end: float) -> float:
        """How many requests are wanted between two moments of the stage."""
        return (end - start) * (self.rate_at(start) + self.rate_at(end)) / 2

    def after(self, start: float, amount: float) -> float:
        """When `amount` requests more than at `start` will be wanted, if the stage lasts that long."""
        rate = self.rate_at(start)
        slope = 0.0 if math.isinf(self.lasts) else (self.last - self.first) / self.lasts
        # The root of rate * t + slope * t² / 2 = amount, written so that slope 0 is no special case.
        return start + 2 * amount / (rate + math.sqrt(max(rate * rate + 2 * slope * amount, 0.0)))


class Pace:
    """A wanted rate over time: steps, and straight lines between rates. Times are CLOCK_MONOTONIC seconds."""

    def __init__(self, rate: float, start: float) -> None:
        """Begin at `start` with `rate` requests/s, more than 0."""
        self._stages = [_Stage(start, math.inf, rate, rate)]

    def change(self, rate: float, *, at: float, over_s: float = 0.0) -> None:
        """From `at`, which lies after every earlier change, go to `rate`, evenly over `over_s` seconds."""
        before = self.rate_at(at)
        kept = [stage for stage in self._stages if stage.begin < at]
        if kept:
            last = kept[-1]
            kept[-1] = _Stage(last.begin, at - last.begin, last.first, before)
        if over_s > 0:
            kept.append(_Stage(at, over_s, before, rate))
        self._stages = [*kept, _Stage(at + max(over_s, 0.0), math.inf, rate, rate)]

    def rate_at(self, moment: float) -> float:
        """The rate wanted at a moment, in requests/s."""
        stage = next((s for s in reversed(self._stages) if s.begin <= moment), self._stages[0])
        return stage.rate_at(moment)

    def after(self, moment: float, amount: float = 1.0) -> float:
        """By when `amount` requests more than at `moment` are wanted: with 1 each time, requests come evenly."""
        for stage in self._stages:
            end = stage.begin + stage.lasts
            if end <= moment:
                continue
            start = max(moment, stage.begin)
            within = math.inf if math.isinf(end) else stage.wanted(start, end)
            if within >= amount:
                return stage.after(start, amount)
            amount -= within
        raise AssertionError("the last stage has no end")


def even() -> float:
    """The gap between two requests, in requests wanted: always the same."""
    return 1.0


def poisson(source: random.Random) -> Gap:
    """Gaps of a Poisson process, in requests wanted: independent arrivals, as of many people."""
    return lambda: source.expovariate(1.0)
