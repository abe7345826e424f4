"""How much a number of drills proves, and never more: rates of success, and how long recoveries take. Pure functions.

Exact bounds of the binomial distribution (Clopper and Pearson, Biometrika 26, 1934), one-sided, with a confidence of
95 %. Nothing is assumed of how recovery times are distributed; that one drill is as likely to succeed as the next, and
does not depend on it, is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
# More than 95 % of recoveries are to succeed (docs/measurement.md, Severities).
CLAIM = 0.95
P95 = 0.95
_TINY = 1e-300
_STEPS = 20_000


def success_bound(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The lower bound of a rate of success, with that confidence: the rate is higher.

    The rate p at which so many successes or more had a chance of 1 - confidence. 0 without a success.

    Raises:
        ValueError: there are more successes than trials, or a negative number.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if successes == 0:
        return 0.0
    if successes == trials:
        return float((1 - confidence) ** (1 / trials))
    low, high = 0.0, successes / trials
    # The chance of k or more successes at rate p is I_p(k, n - k + 1), and grows with p.
    while high - low > 1e-9:
        middle = (low + high) / 2
        if beta_cdf(middle, successes, trials - successes + 1) < 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def success_limit(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The upper bound of a rate of success, with that confidence: the rate is lower. 1 where nothing failed.

    Raises:
        ValueError: as `success_bound`.
    """
    return 1.0 - success_bound(trials - successes, trials, confidence)


def successes_wanted(successes: int, trials: int, rate: float, confidence: float = CONFIDENCE) -> int:
    """How many more successes in a row would show a rate above `rate` (below 1) with that confidence; 0 if shown."""

    def shown(more: int) -> bool:
        return trials + more > 0 and success_bound(successes + more, trials + more, confidence) > rate

    if shown(0):
        return 0
    high = 1
    while not shown(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for a, b > 0 (DLMF 8.17.22, evaluated by Lentz's method)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    # The fraction converges fast on one side of the mean; the other is its mirror image.
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d1/(1 + d2/(1 + ...)) of I_x(a, b)."""
    value, c, d = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            coefficient = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            coefficient = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + coefficient * d or _TINY)
        c = 1 + coefficient / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return value


def rank(count: int, quantile: float) -> int:
    """The nearest rank, from 1, of a quantile among so many sorted values."""
    return max(1, math.ceil(quantile * count - 1e-9))


def bounding_rank(count: int, quantile: float, confidence: float = CONFIDENCE) -> int | None:
    """The lowest rank, from 1, whose value is an upper bound of the population's quantile; None: none of so few is.

    The r-th smallest of n values lies below the quantile q only if r or more of them do: with a chance of I_q(r, n-r+1)
    at most, whatever their distribution (David and Nagaraja, Order Statistics, 7.1).
    """
    for candidate in range(rank(count, quantile) if count else 1, count + 1):
        if beta_cdf(quantile, candidate, count - candidate + 1) <= 1 - confidence:
            return candidate
    return None


def values_wanted(quantile: float, confidence: float = CONFIDENCE) -> int:
    """How many values it takes to bound a quantile from above: 59 for the P95."""
    return math.ceil(math.log(1 - confidence) / math.log(quantile) - 1e-9)


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are spread, by nearest rank; all None where nothing was measured.

    `p95_high` is the upper bound of the P95 of all such recoveries, with a confidence of 95 %; None where the values
    are too few to have one.
    """

    measured: int
    unmeasured: int
    min: float | None = None
    median: float | None = None
    p90: float | None = None
    p95: float | None = None
    max: float | None = None
    p95_high: float | None = None


def spread_of(values: Sequence[tuple[float, float | None]], unmeasured: int) -> Spread:
    """The spread of measured values, each with the upper end of its interval (None: it has none).

    What is told of the values is told of those that were measured. The bound is no such figure but a conclusion: it is
    drawn from the upper ends, and counts what was not measured as longer than anything that was.
    """
    told = sorted(value for value, _ in values)
    if not told:
        return Spread(0, unmeasured)
    ends = sorted(math.inf if high is None else high for _, high in values) + [math.inf] * unmeasured
    bounding = bounding_rank(len(ends), P95)
    high = math.inf if bounding is None else ends[bounding - 1]
    median, p90, p95 = (told[rank(len(told), quantile) - 1] for quantile in (0.5, 0.9, P95))
    return Spread(len(told), unmeasured, told[0], median, p90, p95, told[-1], high if math.isfinite(high) else None)
