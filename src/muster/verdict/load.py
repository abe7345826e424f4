"""The load's requests in windows of time: how many there were, failed, were slow; and whether a bucket was good.

Requests count for the moment at which they were intended: an open-loop schedule asks whether or not the service
answers, and a request that the generator sent late was late for its user (coordinated omission).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from muster.objectives import Objective
from muster.objectives.objective import LATENCY_QUANTILE
from muster.verdict.requests import Request

BUCKET_S = 1.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests of a window fell into each class. `served` leaves out what was shed in a declared overload;
    `refused` is all that was shed, declared or not."""

    asked: int
    failed: int
    shed: int
    good: int
    answered: int
    timed: int
    slow: int
    refused: int

    @property
    def served(self) -> int:
        return self.asked - self.shed


class LoadWindows:
    """Counts and latencies of the load over any window, in O(log n).

    Latency counts from the intended time, over good answers and over timeouts, which took at least as long as was
    waited for them; a quick refusal is counted by the error rate and must not make a broken service look fast.
    `refused_allowed` is the ratio of requests that may be refused cleanly, None where no objective says so.
    """

    def __init__(self, requests: Iterable[Request], objectives: Iterable[Objective]) -> None:
        self.requests = sorted(requests, key=lambda request: request.intended)
        self.objectives = list(objectives)
        self._intended = [request.intended for request in self.requests]
        allowed = [o.failures_allowed for o in self.objectives if o.failures_allowed is not None]
        # Without an objective of its own the load has no failure to spare.
        self.failures_allowed = min(allowed, default=0.0)
        latencies = [o.target for o in self.objectives if o.name == "latency_p95"]
        self.slow_from = min(latencies, default=math.inf)
        self.refused_allowed = min((o.target for o in self.objectives if o.name == "refused_rate"), default=None)
        self._failed = self._sum(request.bad for request in self.requests)
        self._shed = self._sum(request.outcome == "shed" and not request.bad for request in self.requests)
        self._good = self._sum(request.outcome == "ok" for request in self.requests)
        self._answered = self._sum(r.outcome in ("ok", "error", "wrong", "shed") for r in self.requests)
        self._timed = self._sum(r.outcome in ("ok", "timeout") for r in self.requests)
        self._slow = self._sum(self._is_slow(request) for request in self.requests)
        self._refused = self._sum(request.outcome == "shed" for request in self.requests)
        self._spoiling = [r for r in self.requests if r.bad or self._is_slow(r) or self._is_refused(r)]
        self._places = [r.intended for r in self._spoiling]

    @staticmethod
    def _sum(marks: Iterable[bool]) -> list[int]:
        return list(accumulate(marks, initial=0))

    def _is_slow(self, request: Request) -> bool:
        return request.outcome in ("ok", "timeout") and request.done - request.intended > self.slow_from

    def _is_refused(self, request: Request) -> bool:
        return self.refused_allowed is not None and request.outcome == "shed"

    def counts(self, start: float, end: float) -> Counts:
        """Counts of the requests intended in [start, end)."""
        low, high = bisect_left(self._intended, start), bisect_left(self._intended, end)
        columns = (self._failed, self._shed, self._good, self._answered, self._timed, self._slow, self._refused)
        return Counts(high - low, *(column[high] - column[low] for column in columns))

    def latencies(self, start: float, end: float) -> list[float]:
        """Latencies of the requests intended in [start, end), sorted, in seconds."""
        return self._took(start, end, ("ok", "timeout"))

    def refusal_latencies(self, start: float, end: float) -> list[float]:
        """How long clean refusals of requests intended in [start, end) took, sorted, in seconds."""
        return self._took(start, end, ("shed",))

    def _took(self, start: float, end: float, outcomes: tuple[str, ...]) -> list[float]:
        low, high = bisect_left(self._intended, start), bisect_left(self._intended, end)
        return sorted(r.done - r.intended for r in self.requests[low:high] if r.outcome in outcomes)

    def spoilt(self, start: float, end: float) -> bool:
        """Whether the bucket [start, end) misses an objective that holds after a recovery. Empty ones miss none:
        that the load never fell silent is asked elsewhere (`muster.verdict.alive`)."""
        counts = self.counts(start, end)
        if not counts.asked:
            return False
        if not counts.served or counts.failed > self.failures_allowed * counts.served + 1e-9:
            return True
        if self.refused_allowed is not None and counts.refused > self.refused_allowed * counts.asked + 1e-9:
            return True
        # The nearest-rank percentile exceeds the target when more than 5 % are slow.
        if counts.slow > counts.timed - math.ceil(LATENCY_QUANTILE * counts.timed - 1e-9):
            return True
        rates = {"goodput": counts.good, "throughput": counts.answered}
        # A steady rate puts one request more or less into a bucket, wherever its borders lie.
        return any(rates[o.name] + 1 < o.target * (end - start) for o in self.objectives if o.name in rates)

    def first_spoilt(self, start: float, end: float) -> float | None:
        """The start of the first bucket from `start` on that is spoilt and lies within [start, end], or None."""
        return next((at for at in self.buckets(start, end) if at + BUCKET_S <= end + 1e-9 and self._spoils(at)), None)

    def _spoils(self, start: float) -> bool:
        return self.spoilt(start, start + BUCKET_S)

    def buckets(self, start: float, end: float) -> Iterator[float]:
        """The starts of the buckets of [start, end), counted from `start`, that hold any request: others miss nothing.

        So it takes as long as there are requests, however far apart `start` and `end` are.
        """
        at, begun = bisect_left(self._intended, start), -1
        while at < len(self._intended) and self._intended[at] < end:
            into = math.floor((self._intended[at] - start) / BUCKET_S)
            into -= start + into * BUCKET_S > self._intended[at]  # the difference was rounded up to a border
            begun = max(begun + 1, into)
            bucket = start + begun * BUCKET_S
            if bucket >= end:
                return
            yield bucket
            at = max(at, bisect_left(self._intended, bucket + BUCKET_S))

    def first_spoiling(self, start: float, end: float) -> Request | None:
        """The first request intended in [start, end) that can spoil a bucket: failed, slow, refused; or None."""
        at = bisect_left(self._places, start)
        return self._spoiling[at] if at < len(self._places) and self._places[at] < end else None

    def last_spoiling(self, moment: float) -> float:
        """When the last such request before `moment` was intended, or -inf."""
        at = bisect_left(self._places, moment)
        return self._places[at - 1] if at else -math.inf

    def last_before(self, moment: float) -> float:
        """When the last request of any kind before `moment` was intended, or -inf."""
        at = bisect_left(self._intended, moment)
        return self._intended[at - 1] if at else -math.inf


def percentile(values: Sequence[float], quantile: float) -> float:
    """The nearest-rank percentile of sorted values, of which there must be some."""
    return values[max(math.ceil(quantile * len(values) - 1e-9) - 1, 0)]
