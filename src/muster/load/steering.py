"""Which rate a load runs at: what its owner wants by stages or by word, what a fault holds, and the ceiling."""

from __future__ import annotations

import math
from collections.abc import Sequence

from muster.base.dial import LetGo, Turn
from muster.base.errors import UsageError
from muster.load.allowance import Allowance
from muster.load.schedule import Change, Pace
from muster.load.stages import Stage, plan


class Steering:
    """The pace of a load. Moments are CLOCK_MONOTONIC seconds.

    While a fault holds the rate, stages go on behind it by the clock: when it lets go, the load is where it would have
    been. What the owner sets ends the stages.
    """

    def __init__(self, rate: float, stages: Sequence[Stage], *, start: float, allowance: Allowance) -> None:
        """Begin at `start` with `rate` (requests/s), and go through the stages from then on.

        Raises:
            UsageError: that passes the ceiling.
        """
        self.pace, self._own = Pace(rate, start), Pace(rate, start)
        plan(self.pace, stages, start)
        plan(self._own, stages, start)
        self._held = False
        self._allowance = allowance
        self._told = -math.inf
        self._claimed = self._highest(start)
        allowance.claim(self._claimed)

    def take(self, news: Turn | LetGo, at: float) -> str:
        """Follow what was wanted at the dial; returns why it is not followed, or nothing where it is."""
        at = max(at, math.nextafter(self._told, math.inf))  # what was told of an earlier moment stays true
        if isinstance(news, LetGo):
            if self._held:
                self._held = False
                self.pace.follow(self._own, at=at)
            return ""
        try:
            self._allowance.claim(max(news.rate, self._highest(at)))
        except UsageError:
            return self._refusal(news.rate)
        self._claimed = max(news.rate, self._highest(at))
        self._held = self._held or news.held
        if not news.held:
            self._own.change(news.rate, at=at, over_s=news.over_s)
        if news.held or not self._held:
            self.pace.change(news.rate, at=at, over_s=news.over_s)
        return ""

    def settle(self, at: float) -> None:
        """Leave to other loads what this one will not come to want any more."""
        highest = self._highest(at)
        if highest < self._claimed:
            self._allowance.claim(highest)
            self._claimed = highest

    def due(self, until: float) -> list[Change]:
        """The changes of the rate up to a moment that were not given before."""
        changes = list(self.pace.changes(self._told, until))
        self._told = until
        return changes

    def _highest(self, at: float) -> float:
        return max(self.pace.highest(at), self._own.highest(at))

    def _refusal(self, rate: float) -> str:
        ceiling = self._allowance.ceiling
        beside = "" if rate > ceiling else " with the drill's other loads"
        return f"{rate:g} requests/s were wanted, system.yaml allows {ceiling:g}{beside} (max_requests_per_s)"
