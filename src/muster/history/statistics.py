"""The few statistics that a history needs. Pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

# The median absolute deviation of normal noise is this part of its standard deviation.
MAD_TO_SIGMA = 1.4826
CONFIDENCE = 0.95
_TINY = 1e-300


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation (scaled MAD); one outlier moves neither much. Needs a value at least."""
    middle = median(values)
    return middle, MAD_TO_SIGMA * median(abs(value - middle) for value in values)


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
    for step in range(1, 20_000):
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


def success_bound(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The lower bound of a rate of success, with that confidence: exact, one-sided (Clopper and Pearson, 1934).

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
