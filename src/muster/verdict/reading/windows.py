"""The load's requests in windows of time: how many there were, failed, were slow; and whether a bucket was good.

Requests count for the moment at which they were intended: an open-loop schedule asks whether or not the service
answers, and a request that the generator sent late was late for its user (coordinated omission).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from muster.objectives import Objective
from muster.objectives.objective import LATENCY_QUANTILE
from muster.verdict.reading.requests import Mask, Request, Requests, Seconds

BUCKET_S = 1.0
_NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests of a window fell into each class. `served` leaves out what is neither good nor bad: what was
    shed in a declared overload, and what is gone; `refused` is all that was shed, declared or not."""

    asked: int
    failed: int
    shed: int
    gone: int
    good: int
    answered: int
    timed: int
    slow: int
    refused: int

    @property
    def served(self) -> int:
        return self.asked - self.shed - self.gone


class LoadWindows:
    """Counts and latencies of the load over any window, in O(log n).

    Latency counts from the intended time, over good answers and over timeouts, which took at least as long as was
    waited for them; a quick refusal is counted by the error rate and must not make a broken service look fast.
    `refused_allowed` is the ratio of requests that may be refused cleanly, None where no objective says so.
    """

    def __init__(self, requests: Requests, objectives: Iterable[Objective]) -> None:
        self.requests = asked = requests.sorted_by(requests.intended)
        self.objectives = list(objectives)
        allowed = [o.failures_allowed for o in self.objectives if o.failures_allowed is not None]
        # Without an objective of its own the load has no failure to spare.
        self.failures_allowed = min(allowed, default=0.0)
        latencies = [o.target for o in self.objectives if o.measure == "latency_p95"]
        self.slow_from = min(latencies, default=math.inf)
        self.refused_allowed = min((o.target for o in self.objectives if o.measure == "refused_rate"), default=None)
        timed, refused = asked.became("ok", "timeout"), asked.became("shed")
        slow = asked.became("timeout") | (timed & (asked.done - asked.intended > self.slow_from))
        marks = {
            "failed": asked.bad,
            "shed": refused & ~asked.bad,
            "gone": asked.became("gone"),
            "good": asked.became("ok"),
            "answered": asked.became("ok", "error", "wrong", "shed", "gone"),
            "timed": timed,
            "slow": slow,
            "refused": refused,
        }
        self._sums = {name: _running(mark) for name, mark in marks.items()}
        spoiling = asked.bad | slow
        self._spoiling = np.flatnonzero(spoiling if self.refused_allowed is None else spoiling | refused)
        self._places = asked.intended[self._spoiling]
        self._fine = asked.intended[~(spoiling if self.refused_allowed is None else spoiling | refused)]

    def only(self, names: npt.NDArray[np.uint16]) -> LoadWindows:
        """The same of the requests of some names alone."""
        return LoadWindows(self.requests[np.isin(self.requests.name, names)], self.objectives)

    def at_best(self, late_s: float) -> LoadWindows:
        """The same as if all that may have been the generator's own delay had not been: what it sent later than was
        intended, and up to `late_s` seconds more, by which it may have been late to see an answer."""
        asked = self.requests
        took = (asked.done - asked.sent - late_s).clip(min=0.0)
        return LoadWindows(replace(asked, sent=asked.intended, done=asked.intended + took), self.objectives)

    def counts(self, start: float, end: float) -> Counts:
        """Counts of the requests intended in [start, end)."""
        low, high = (int(place) for place in np.searchsorted(self.requests.intended, [start, end]))
        high = max(low, high)
        return Counts(high - low, **{name: int(sums[high] - sums[low]) for name, sums in self._sums.items()})

    def latencies(self, start: float, end: float) -> Seconds:
        """Latencies of the requests intended in [start, end), sorted, in seconds."""
        return self._took(start, end, "ok", "timeout")

    def given_up(self, start: float, end: float) -> Seconds:
        """How long was waited for each of those requests that was not answered in time, sorted, in seconds."""
        return self._took(start, end, "timeout")

    def refusal_latencies(self, start: float, end: float) -> Seconds:
        """How long clean refusals of requests intended in [start, end) took, sorted, in seconds."""
        return self._took(start, end, "shed")

    def _took(self, start: float, end: float, *outcomes: str) -> Seconds:
        low, high = np.searchsorted(self.requests.intended, [start, end])
        inside = self.requests[low:high]
        return np.sort((inside.done - inside.intended)[inside.became(*outcomes)])

    def spoilt(self, start: float, end: float) -> bool:
        """Whether the bucket [start, end) misses an objective that holds after a recovery. Empty ones miss none:
        that the load never fell silent is asked elsewhere (`muster.verdict.disruption.watching`)."""
        return bool(self.all_spoilt(np.array([start]), np.array([end]))[0])

    def all_spoilt(self, starts: Seconds, ends: Seconds, *, rates: bool = True) -> Mask:
        """The same of many buckets [start, end); without objectives about `rates` where what is asked may fall."""
        low = np.searchsorted(self.requests.intended, starts)
        high = np.searchsorted(self.requests.intended, ends)
        n = {name: (sums[high] - sums[low]).astype(np.float64) for name, sums in self._sums.items()}
        asked = (high - low).astype(np.float64)
        served = asked - n["shed"] - n["gone"]
        spoilt = (served <= 0) | (n["failed"] > self.failures_allowed * served + _NEAR)
        if self.refused_allowed is not None:
            spoilt |= n["refused"] > self.refused_allowed * asked + _NEAR
        # The nearest-rank percentile exceeds the target when more than 5 % are slow.
        spoilt |= n["slow"] > n["timed"] - np.ceil(LATENCY_QUANTILE * n["timed"] - _NEAR)
        # A steady rate puts one request more or less into a bucket, wherever its borders lie.
        reached = {"goodput": n["good"], "throughput": n["answered"]} if rates else {}
        for objective in self.objectives:
            if objective.measure in reached:
                spoilt |= reached[objective.measure] + 1 < objective.target * (ends - starts)
        return np.asarray(spoilt & (asked > 0))

    def first_spoilt(self, start: float, end: float) -> float | None:
        """The start of the first bucket from `start` on that is spoilt and lies within [start, end], or None."""
        buckets = self.buckets(start, end)
        whole = buckets[buckets + BUCKET_S <= end + _NEAR]
        return _first(whole, self.all_spoilt(whole, whole + BUCKET_S))

    def first_spoilt_of_window(self, start: float, end: float) -> float | None:
        """The start of the first spoilt bucket of a window, or None. Its last bucket may be a part of one."""
        buckets = self.buckets(start, end - _NEAR)
        return _first(buckets, self.all_spoilt(buckets, np.minimum(buckets + BUCKET_S, end)))

    def first_unspoilt_start(self, start: float, until: float) -> float:
        """Of `start` and the moments right after each spoiling request in [start, until) the first whose own bucket is
        not spoilt; where all are, the last of them."""
        low, high = np.searchsorted(self._places, [start, until], side="left")
        best = start
        if not self.spoilt(start, start + BUCKET_S):
            return start
        for begin in range(int(low), int(high), _AT_ONCE):
            starts = np.nextafter(self._places[begin : min(begin + _AT_ONCE, high)], math.inf)
            good = ~self.all_spoilt(starts, starts + BUCKET_S)
            if good.any():
                return float(starts[int(np.argmax(good))])
            best = float(starts[-1])
        return best

    def buckets(self, start: float, end: float) -> Seconds:
        """The starts of the buckets of [start, end), counted from `start`, that hold any request: others miss nothing.

        So it takes as long as there are requests, however far apart `start` and `end` are.
        """
        low, high = np.searchsorted(self.requests.intended, [start, end])
        intended = self.requests.intended[low:high]
        into = np.floor((intended - start) / BUCKET_S)
        into -= start + into * BUCKET_S > intended  # the difference was rounded up to a border
        starts = start + np.unique(np.maximum(into, 0.0)) * BUCKET_S
        return np.asarray(starts[starts < end])

    def first_spoiling(self, start: float, end: float) -> Request | None:
        """The first request intended in [start, end) that can spoil a bucket: failed, slow, refused; or None."""
        at = int(np.searchsorted(self._places, start))
        found = at < len(self._places) and self._places[at] < end
        return self.requests.at(int(self._spoiling[at])) if found else None

    def last_spoiling(self, moment: float) -> float:
        """When the last such request before `moment` was intended, or -inf."""
        return _last_before(self._places, moment)

    def past_spoiling(self, moment: float) -> float:
        """The moment after which not every request spoils: `moment`, unless those intended from it on do one by one."""
        fine = int(np.searchsorted(self._fine, moment))
        until = float(self._fine[fine]) if fine < len(self._fine) else math.inf
        begin, end = (int(place) for place in np.searchsorted(self._places, [moment, until]))
        return math.nextafter(float(self._places[end - 1]), math.inf) if end > begin else moment

    def last_before(self, moment: float) -> float:
        """When the last request of any kind before `moment` was intended, or -inf."""
        return _last_before(self.requests.intended, moment)


_AT_ONCE = 65_536


def _running(marks: Mask) -> npt.NDArray[np.int32]:
    sums = np.zeros(len(marks) + 1, dtype=np.int32)
    np.cumsum(marks, out=sums[1:])
    return sums


def _first(starts: Seconds, marked: Mask) -> float | None:
    return float(starts[int(np.argmax(marked))]) if marked.any() else None


def _last_before(times: Seconds, moment: float) -> float:
    at = int(np.searchsorted(times, moment))
    return float(times[at - 1]) if at else -math.inf


def percentile(values: Sequence[float] | Seconds, quantile: float) -> float:
    """The nearest-rank percentile of sorted values, of which there must be some."""
    return float(values[max(math.ceil(quantile * len(values) - _NEAR) - 1, 0)])
