"""How far good answers narrow down an edge of a disruption in which only a share of the requests fails.

Where all requests fail, one good answer tells that trouble had not begun yet, or was over. Where a share f of them
fails, it tells little: so many good ones in a row are needed that chance would give them less than once in 20 times,
(1 - f)^k < 0.05. Streams of which only a share fails are taken together, as they are asked of one service. Below a
share of a fifth violations count as single events, and the edge lies at the violation itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muster.verdict.reading.requests import Mask, Seconds

NEXT_TO = 20  # requests next to the edge, from which a stream's share is taken
CHANCE = 0.05
SINGLE, WHOLLY = 0.2, 0.98
STRETCHES = 2.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Partly:
    """A stream of which a `share` fails, and the moments of its good answers outside the trouble, nearest first."""

    share: float
    good: Seconds

    def outside(self, *, since: float = -math.inf, until: float = math.inf) -> Partly:
        """The same with those good answers alone that lie outside of the trouble of any other stream as well."""
        return Partly(self.share, self.good[(self.good >= since) & (self.good <= until)])


def share_of(troubled: Mask) -> float:
    """The share of violations among a stream's requests inside of an edge, nearest first.

    Up to the last violation among those next to the edge: a short outage of all requests is no long one of some.
    """
    hit = np.flatnonzero(troubled[:NEXT_TO])
    if not len(hit):
        return 0.0
    near = troubled[: int(hit[-1]) + 1]
    return 1.0 if _comes_and_goes(near, len(hit)) else len(hit) / len(near)


def _comes_and_goes(near: Mask, hits: int) -> bool:
    """Whether trouble comes in fewer stretches than chance would make of it (the runs test of Wald and Wolfowitz): a
    service that flaps fails wholly while it is down."""
    n = len(near)
    if hits == n:
        return True
    expected = 1 + 2 * hits * (n - hits) / n
    spread = math.sqrt((expected - 1) * max(expected - 2, 0.0) / (n - 1))
    return 1 + int(np.count_nonzero(near[1:] != near[:-1])) < expected - STRETCHES * spread


def is_partly(share: float) -> bool:
    """Whether a share is neither that of single events nor of all requests."""
    return SINGLE <= share < WHOLLY


def excluded_from(streams: Sequence[Partly], *, before: bool) -> float | None:
    """The moment from which on, away from the edge, good answers exclude trouble; None where there are too few.

    `before` says that they lie before the edge, else they lie after it.
    """
    if not streams:
        return None
    told = [(stream.good[: _needed(stream.share)], -math.log(1 - stream.share)) for stream in streams]
    moments = np.concatenate([good for good, _ in told])
    weights = np.concatenate([np.full(len(good), weight) for good, weight in told])
    nearest_first = np.argsort(-moments if before else moments, kind="stable")
    reached = np.flatnonzero(np.cumsum(weights[nearest_first]) >= -math.log(CHANCE))
    return float(moments[nearest_first[reached[0]]]) if len(reached) else None


def _needed(share: float) -> int:
    return math.ceil(math.log(CHANCE) / math.log(1 - share))
