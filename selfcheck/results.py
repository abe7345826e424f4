"""What was measured, beside the truth; and the figures of many measurements.

Error: |RTO - truth|. Width: of the RTO's interval, in gaps between two probes of a kind. Inside: the truth lies within
the interval. An outage shorter than two gaps cannot be resolved: it counts for coverage, and for whether the
entry says so, but not for error and width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muster.verdict import DrillVerdict, Verdict
from selfcheck.cases import EVERY_S, NOT_RESOLVED_S, Case

ROUNDED_S = 1e-4  # an entry has four decimals
MOST_ERROR_S = 0.02
MOST_GAPS = 4.0
LEAST_INSIDE = 0.99
MOST_UNKNOWN = 0.01


@dataclass(frozen=True, slots=True)
class Truth:
    """When service truly was out of order, CLOCK_MONOTONIC seconds.

    `switched`: into the first outage, and out of the last. `harmed`: where requests are struck at random, the first and
    the last that was; trouble begins with the first violation (docs/measurement.md, Disruption). The switches took
    `blur_s` together, and came `late_s` after they were planned.
    """

    injected: float
    switched: tuple[float, float]
    harmed: tuple[float, float] | None = None
    blur_s: float = 0.0
    late_s: float = 0.0

    @property
    def disrupted(self) -> tuple[float, float]:
        """When service was disrupted."""
        return self.harmed or self.switched

    @property
    def length_s(self) -> float:
        """How long service was disrupted."""
        return self.disrupted[1] - self.disrupted[0]


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement against its truth."""

    number: int
    kind: str
    where: str  # real or virtual
    truth: Truth
    verdict: Verdict
    why: str
    value_s: float | None
    low_s: float | None
    high_s: float | None
    said: bool | None  # whether the entry calls it resolvable; None where it says nothing
    edges: tuple[tuple[float, float], tuple[float, float]] | None  # start and end, each [low, high], from the injection
    timeline: Path | None = None

    @property
    def resolvable(self) -> bool:
        """Whether it lasted for two gaps."""
        return self.truth.length_s >= NOT_RESOLVED_S

    @property
    def error_s(self) -> float:
        """|RTO - truth|; infinite where there is no value."""
        return math.inf if self.value_s is None else abs(self.value_s - self.truth.length_s)

    @property
    def gaps(self) -> float:
        """The width of the interval in gaps; infinite where it is open."""
        if self.low_s is None or self.high_s is None:
            return math.inf
        return (self.high_s - self.low_s) / EVERY_S

    @property
    def inside(self) -> bool:
        """Whether the interval holds the truth, as far as the service's own log knows it."""
        return self.holds(self.truth.length_s)

    @property
    def ends_inside(self) -> bool:
        """Whether also the start's own interval holds the true start, and the end's the true end."""
        if self.edges is None:  # nothing was seen, so there is nothing to hold it
            return self.inside
        blur = self.truth.blur_s + ROUNDED_S
        moments = (moment - self.truth.injected for moment in self.truth.disrupted)
        return all(low - blur <= moment <= high + blur for (low, high), moment in zip(self.edges, moments, strict=True))

    def holds(self, length_s: float) -> bool:
        """Whether the interval holds a length, in seconds."""
        blur = self.truth.blur_s + ROUNDED_S
        if self.low_s is None or self.value_s is None:
            return False
        return self.low_s - blur <= length_s and (self.high_s is None or length_s <= self.high_s + blur)


def result(case: Case, truth: Truth, entry: DrillVerdict, timeline: Path | None = None) -> Result:
    """What an entry says of a case. One that was measured in real time has a timeline."""
    rto, start, end = entry.rto, entry.disruption.start_s, entry.disruption.end_s
    return Result(
        number=case.number,
        kind=case.kind,
        where="real" if timeline else "virtual",
        truth=truth,
        verdict=entry.verdict,
        why=entry.why,
        value_s=rto.value_s,
        low_s=rto.low_s,
        high_s=rto.high_s,
        said=getattr(rto, "resolvable", None),
        edges=None if start is None or end is None else (start, end),
        timeline=timeline,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some measurements. Seconds, gaps, and ratios from 0 to 1; nan where there was none."""

    runs: int
    resolvable: int
    error_median_s: float
    error_p99_s: float
    gaps_p99: float
    inside: float
    ends_inside: float
    unknown: float


def figures(results: Sequence[Result]) -> Figures:
    """The figures of some measurements."""
    resolvable = [one for one in results if one.resolvable]
    errors = sorted(one.error_s for one in resolvable)
    return Figures(
        runs=len(results),
        resolvable=len(resolvable),
        error_median_s=rank(errors, 0.5),
        error_p99_s=rank(errors, 0.99),
        gaps_p99=rank(sorted(one.gaps for one in resolvable), 0.99),
        inside=ratio(results, lambda one: one.inside),
        ends_inside=ratio(results, lambda one: one.ends_inside),
        unknown=ratio(results, lambda one: one.verdict is Verdict.UNKNOWN),
    )


def rank(ordered: Sequence[float], quantile: float) -> float:
    """The nearest-rank percentile of sorted figures; nan of none."""
    return ordered[max(math.ceil(quantile * len(ordered) - 1e-9) - 1, 0)] if ordered else math.nan


def ratio(results: Sequence[Result], holds: Callable[[Result], bool]) -> float:
    """The ratio of measurements of which something holds; nan of none."""
    return sum(map(holds, results)) / len(results) if results else math.nan


def groups(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The measurements by kind, in order of appearance."""
    found: dict[str, list[Result]] = {}
    for one in results:
        found.setdefault(one.kind, []).append(one)
    return found
