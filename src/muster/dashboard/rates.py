"""Error rate, P95 and requests a second of each version, from what its pods have counted. Pure.

A pod counts from its own start. What is shown at a time is what was counted in the half minute before it, so that few
requests do not make a figure jump.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from muster.release.adding import SIDES, Adding, Total
from muster.release.counting import Counted

WINDOW_S = 30.0
SPAN_S = 120.0  # a line of sparks shows so much


@dataclass(frozen=True)
class Rates:
    """What one version did in the window before `at` (CLOCK_MONOTONIC s): requests and how many of them a second, which
    share of them failed (0 to 1), and within how many seconds 95 % were answered, infinite where no bucket is so high.
    None: that is not counted, or not seen twice yet."""

    at: float
    requests: float | None = None
    per_s: float | None = None
    error_rate: float | None = None
    p95_s: float | None = None


@dataclass
class History:
    """What was counted, look by look."""

    _adding: Adding = field(default_factory=Adding)
    _totals: deque[tuple[float, dict[str, Total]]] = field(default_factory=deque)
    _points: dict[str, deque[Rates]] = field(default_factory=lambda: {side: deque() for side in SIDES})

    def add(self, at: float, seen: Mapping[str, tuple[str, Counted]]) -> dict[str, tuple[Rates, ...]]:
        """Take in a look: the side of each pod and what it has counted; returns what each side did over time."""
        self._adding.add(seen)
        while self._totals and self._totals[0][0] < at - WINDOW_S:
            self._totals.popleft()
        here = {side for side, _ in seen.values()}
        for side, points in self._points.items():
            while points and points[0].at < at - SPAN_S:
                points.popleft()
            # A version that has just come is not older than its own first count.
            first = next((one for one in self._totals if one[1][side].requests is not None), None)
            now = self._adding.totals[side]
            known = first is not None and side in here
            points.append(rates(at, at - first[0], first[1][side], now) if known and first else Rates(at))
        self._totals.append((at, deepcopy(self._adding.totals)))
        return {side: tuple(points) for side, points in self._points.items()}


def rates(at: float, passed_s: float, before: Total, now: Total) -> Rates:
    """What was done between two counts so many seconds apart."""
    requests, failed = _more(before.requests, now.requests), _more(before.failed, now.failed)
    timed = _more(before.timed, now.timed)
    buckets = {float(bound): count - before.buckets.get(bound, 0.0) for bound, count in now.buckets.items()}
    return Rates(
        at,
        requests,
        None if requests is None or passed_s <= 0 else requests / passed_s,
        failed / requests if requests and failed is not None else None,
        p95(buckets, timed) if timed else None,
    )


def p95(buckets: Mapping[float, float], count: float) -> float:
    """Within how many seconds 95 of 100 were answered: interpolated within its bucket as Prometheus' histogram_quantile
    does, infinite above the highest one. `buckets` are cumulative, by their bounds in seconds."""
    wanted, low, below = 0.95 * count, 0.0, 0.0
    for bound, up_to in sorted(buckets.items()):
        if up_to >= wanted:
            return low + (bound - low) * (wanted - below) / max(up_to - below, 1e-9)
        low, below = bound, up_to
    return math.inf


def cells(points: Sequence[Rates], name: str, now: float, count: int) -> list[float | None]:
    """The worst of a figure in each of so many equal parts of the last two minutes; None where nothing was seen."""
    found: list[float | None] = [None] * count
    for point in points:
        value, place = getattr(point, name), math.floor((point.at - (now - SPAN_S)) / SPAN_S * count)
        if value is not None and 0 <= place <= count:
            place = min(place, count - 1)
            before = found[place]
            found[place] = value if before is None else max(before, value)
    return found


def _more(before: float | None, now: float | None) -> float | None:
    """By how much a count went up; None where it was not told both times."""
    return None if before is None or now is None else max(now - before, 0.0)
