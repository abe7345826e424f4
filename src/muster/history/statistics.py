"""What noise among earlier figures is like; how sure a rate of success is says `muster.verdict.many.evidence`."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

# The median absolute deviation of normal noise is this part of its standard deviation.
MAD_TO_SIGMA = 1.4826


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation (scaled MAD); one outlier moves neither much. Needs a value at least."""
    middle = median(values)
    return middle, MAD_TO_SIGMA * median(abs(value - middle) for value in values)
