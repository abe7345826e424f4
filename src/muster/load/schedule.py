"""When each request of an open loop is meant to be sent, while the wanted rate changes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Gap = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` (CLOCK_MONOTONIC seconds) on the rate goes to `rate` (requests/s), evenly over `over_s` seconds.

    `stage` is the name of the stage that wants it, if one does.
    """

    at: float
    rate: float
    over_s: float = 0.0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """From `begin` on, for `lasts` seconds, the rate goes evenly from `first` to `last` (requests/s)."""

    begin: float
    lasts: float
    first: float
    last: float

    def rate_at(self, moment: float) -> float:
        """The rate at a moment of the piece."""
        if math.isinf(self.lasts):
            return self.first
        return self.first + (self.last - self.first) * (moment - self.begin) / self.lasts

    def wanted(self, start: float, end: float) -> float:
        """How many requests are wanted between two moments of the piece."""
        return (end - start) * (self.rate_at(start) + self.rate_at(end)) / 2

    def after(self, start: float, amount: float) -> float:
        """When `amount` requests more than at `start` will be wanted, if the piece lasts that long."""
        rate = self.rate_at(start)
        slope = 0.0 if math.isinf(self.lasts) else (self.last - self.first) / self.lasts
        # The root of rate * t + slope * t² / 2 = amount, written so that slope 0 is no special case.
        return start + 2 * amount / (rate + math.sqrt(max(rate * rate + 2 * slope * amount, 0.0)))


class Pace:
    """A wanted rate over time: steps, and straight lines between rates. Times are CLOCK_MONOTONIC seconds."""

    def __init__(self, rate: float, start: float) -> None:
        """Begin at `start` with `rate` requests/s, more than 0."""
        self._pieces = [_Piece(start, math.inf, rate, rate)]
        self._changes: list[Change] = []

    def change(self, rate: float, *, at: float, over_s: float = 0.0, stage: str = "") -> None:
        """From `at` on go to `rate`, evenly over `over_s` seconds. What was planned for later than `at` is dropped."""
        before = self.rate_at(at)
        kept = [piece for piece in self._pieces if piece.begin < at]
        if kept:
            last = kept[-1]
            kept[-1] = _Piece(last.begin, at - last.begin, last.first, last.rate_at(at))
        if over_s > 0:
            kept.append(_Piece(at, over_s, before, rate))
        self._pieces = [*kept, _Piece(at + max(over_s, 0.0), math.inf, rate, rate)]
        self._changes = [change for change in self._changes if change.at <= at]
        self._changes.append(Change(at, rate, max(over_s, 0.0), stage))

    def follow(self, other: Pace, *, at: float) -> None:
        """From `at` on go on as `other` does: at the rate that it has reached, along its line, with all it plans."""
        now_of = other.change_at(at)
        self.change(other.rate_at(at), at=at, stage=now_of.stage if now_of else "")
        if now_of and now_of.at + now_of.over_s > at:
            self.change(now_of.rate, at=at, over_s=now_of.at + now_of.over_s - at, stage=now_of.stage)
        for change in other.changes(at, math.inf):
            self.change(change.rate, at=change.at, over_s=change.over_s, stage=change.stage)

    def changes(self, after: float, until: float) -> Iterator[Change]:
        """The changes of (after, until], in order."""
        return (change for change in self._changes if after < change.at <= until)

    def change_at(self, moment: float) -> Change | None:
        """The change that the rate of a moment goes back to; None where that is the first rate."""
        return next((change for change in reversed(self._changes) if change.at <= moment), None)

    def rate_at(self, moment: float) -> float:
        """The rate wanted at a moment, in requests/s."""
        piece = next((piece for piece in reversed(self._pieces) if piece.begin <= moment), self._pieces[0])
        return piece.rate_at(moment)

    def highest(self, since: float) -> float:
        """The highest rate wanted at `since` or later, as far as it is known."""
        ahead = (max(piece.first, piece.last) for piece in self._pieces if piece.begin > since)
        return max(self.rate_at(since), *ahead, self._pieces[-1].last)

    def wanted(self, start: float, end: float) -> float:
        """How many requests are wanted in [start, end)."""
        clipped = ((p, max(start, p.begin), min(end, p.begin + p.lasts)) for p in self._pieces)
        return sum(piece.wanted(low, high) for piece, low, high in clipped if low < high)

    def after(self, moment: float, amount: float = 1.0) -> float:
        """By when `amount` requests more than at `moment` are wanted: with 1 each time, requests come evenly."""
        for piece in self._pieces:
            end = piece.begin + piece.lasts
            if end <= moment:
                continue
            start = max(moment, piece.begin)
            within = math.inf if math.isinf(end) else piece.wanted(start, end)
            if within >= amount:
                return piece.after(start, amount)
            amount -= within
        raise AssertionError("the last piece has no end")


def even() -> float:
    """The gap between two requests, in requests wanted: always the same."""
    return 1.0


def poisson(source: random.Random) -> Gap:
    """Gaps of a Poisson process, in requests wanted: independent arrivals, as of many people."""
    return lambda: source.expovariate(1.0)
