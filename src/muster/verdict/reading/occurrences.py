"""What an objective counts, as a running count: how many requests there were in any time, and how many were bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from muster.objectives import Objective
from muster.verdict.reading.requests import Mask, Requests, Seconds

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Requests that count for one objective: when each was intended (CLOCK_MONOTONIC seconds, ascending), and how many
    of those before each place were bad (one more than there are requests, the first 0)."""

    at: Seconds
    bad_before: Numbers

    @classmethod
    def marked(cls, at: Seconds, bad: Mask) -> Self:
        """Of single requests in order of their times, each bad or not."""
        running = np.zeros(len(at) + 1, dtype=np.int64)
        np.cumsum(bad, out=running[1:])
        return cls(at, running)

    @classmethod
    def of(cls, requests: Requests, objective: Objective) -> Self:
        """The requests (in order of intention) that count for an objective on a ratio (see `Objective`), in O(n)."""
        counted, bad = _marks(requests, objective)
        if bool(counted.all()):
            return cls.marked(requests.intended, bad)
        return cls.marked(requests.intended[counted], bad[counted])

    def between(self, starts: Seconds | float, ends: Seconds | float) -> tuple[Numbers, Numbers]:
        """How many there were in each [start, end), and how many of them bad, in O(log n) each."""
        low, high = np.searchsorted(self.at, starts), np.searchsorted(self.at, ends)
        high = np.maximum(low, high)
        return np.asarray(high - low), np.asarray(self.bad_before[high] - self.bad_before[low])

    def ratio(self, start: float, end: float) -> tuple[float | None, int]:
        """The ratio of bad requests in [start, end), None where there was none, and how many requests there were."""
        number, bad = (int(count) for count in self.between(start, end))
        return (bad / number if number else None), number


def _marks(requests: Requests, objective: Objective) -> tuple[Mask, Mask]:
    """Which requests count for an objective, and which of those are bad."""
    if objective.measure == "refused_rate":
        return np.ones(len(requests), dtype=np.bool_), requests.became("shed")
    served = ~requests.apart
    if objective.threshold_s is None:
        return served, requests.bad
    # A timeout was not answered, whatever its limit was.
    slow = requests.became("timeout") | (requests.done - requests.intended > objective.threshold_s)
    if objective.measure == "fast_answers":
        return requests.became("ok", "timeout"), slow
    return served, requests.bad | slow
