"""Where things stand on the page, and the round numbers on its axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from muster.report.svg import GLYPH
from muster.verdict.reading.requests import Requests

WIDTH = 1200.0
LEFT, RIGHT = 150.0, 1170.0
SIZE = 22.0  # of words: 11 at half the width
ROW = 30.0
LEAD_S = 10.0  # how much of the time before the injection is shown
MOST_BUCKETS, FEWEST_IN_BUCKET = 120, 8
BUCKETS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


def width_of(words: str, size: float = SIZE) -> float:
    """About how wide words are."""
    return len(words) * size * GLYPH


def shortened(words: str, most: int) -> str:
    """At most so many letters of it."""
    return words if len(words) <= most else words[: max(most - 3, 0)] + "..."


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps seconds to the page: [start, end] is shown, `zero` is where counting begins."""

    start: float
    end: float
    zero: float
    bucket: float

    @classmethod
    def of(cls, requests: Requests, injected: float | None) -> Scale:
        """The scale for all requests, of which there must be some, from shortly before the injection on."""
        start, end = float(requests.intended.min()), float(requests.intended.max())
        if injected is not None:  # how long it took to become steady must not squeeze what matters
            start = max(start, injected - LEAD_S)
        end = max(end, start + 1)
        span, rate = end - start, len(requests) / (end - start)
        fits = (b for b in BUCKETS_S if b >= span / MOST_BUCKETS and (b * rate >= FEWEST_IN_BUCKET or b >= 1))
        return cls(start, end, injected or start, next(fits, span / MOST_BUCKETS))

    def x(self, t: float) -> float:
        """The place of a moment; what lies outside is put on the border."""
        return LEFT + (min(max(t, self.start), self.end) - self.start) / (self.end - self.start) * (RIGHT - LEFT)

    def buckets(self) -> Iterator[tuple[float, float]]:
        """[begin, end) of each bucket, so laid that one begins at zero; those at the borders are cut there."""
        turn = math.floor((self.start - self.zero) / self.bucket)
        while (at := self.zero + turn * self.bucket) < self.end:
            begin, end = max(at, self.start), min(at + self.bucket, self.end)
            if end - begin > 0.3 * self.bucket:  # of less a rate is an accident
                yield begin, end
            turn += 1

    def ticks(self) -> Iterator[float]:
        """Seconds since zero where the axis has a number."""
        step = round_up((self.end - self.start) / 12, (1, 2, 5, 10))
        turn = math.ceil((self.start - self.zero) / step)
        while self.zero + turn * step <= self.end:
            yield turn * step
            turn += 1


def round_up(value: float, factors: Sequence[float] = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)) -> float:
    """The smallest round number that is no less than `value`."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-6)))
    return next((factor * power for factor in factors if factor * power >= value * (1 - 1e-9)), 10 * power)
