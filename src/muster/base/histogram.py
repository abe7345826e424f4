"""Latencies as a standard HdrHistogram: small, whatever their number, and read by every tool of that family.

Values are counted in microseconds from 1 µs to 1 h at 3 significant digits (Gil Tene's HdrHistogram, encoding V2); so a
percentile is right to a thousandth of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
DIGITS = 3
# With 3 digits a value below 2048 µs has a place of its own; above, 1024 places share each doubling.
_HALF_BITS = 10
_AT_ONCE = 100_000  # as many fit into the processor's cache
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


@dataclass(frozen=True, slots=True)
class Histogram:
    """How latencies are distributed. In seconds, nearest rank; `encoded` is the HdrHistogram as base64 text.

    `lowest` and `highest` are exact. Without any value all but `count` and `encoded` are None.
    """

    count: int
    lowest: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p999: float | None
    highest: float | None
    encoded: str

    def to_json(self) -> dict[str, float | int | str | None]:
        """The fields under the names that people and other tools know them by."""
        return {
            "count": self.count,
            "min": self.lowest,
            "p50": self.p50,
            "p90": self.p90,
            "p95": self.p95,
            "p99": self.p99,
            "p99.9": self.p999,
            "max": self.highest,
            "hdr": self.encoded,
        }


def histogram(seconds: npt.ArrayLike) -> Histogram:
    """The histogram of latencies in seconds, in any order. More than an hour counts as an hour, but in `highest`.

    Raises:
        ValueError: one is negative or no finite number.
    """
    values = np.asarray(seconds, dtype=np.float64)
    if not values.size:
        return Histogram(0, None, None, None, None, None, None, None, _hdr({}))
    lowest, highest = float(values.min()), float(values.max())
    if not (lowest >= 0 and np.isfinite(highest)):
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"a latency of {wrong:g} s cannot be counted; right would be 0 or more, and finite")
    counts = _counted(values)
    places, upto = np.array(list(counts)), np.cumsum(list(counts.values()))
    ranks = np.maximum(np.ceil(np.array(list(QUANTILES.values())) * values.size - 1e-9), 1)
    middles = _middle(places[np.searchsorted(upto, ranks)]) / 1e6
    p50, p90, p95, p99, p999 = (float(value) for value in np.clip(middles, lowest, highest))
    return Histogram(values.size, lowest, p50, p90, p95, p99, p999, highest, _hdr(counts))


def _counted(seconds: npt.NDArray[np.float64]) -> dict[int, int]:
    """How often each place of the histogram is met, by its lowest value in µs, in order.

    Counted here and not one by one by the library, which takes a second for half a million.
    """
    found = np.zeros(0, dtype=np.int64)
    for start in range(0, seconds.size, _AT_ONCE):
        micros = np.rint(np.minimum(seconds[start : start + _AT_ONCE], HIGHEST_US / 1e6) * 1e6).astype(np.int64)
        shift = _shift(micros)
        more = np.bincount((micros >> shift) + (shift << _HALF_BITS), minlength=found.size)
        more[: found.size] += found
        found = more
    met = np.flatnonzero(found)
    shifts = np.maximum((met >> _HALF_BITS) - 1, 0)
    lowest = (met - (shifts << _HALF_BITS)) << shifts
    return dict(zip(lowest.tolist(), found[met].tolist(), strict=True))


def _shift(micros: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many bits of each value its place does not tell."""
    _, bits = np.frexp(micros.astype(np.float64))
    return np.maximum(bits.astype(np.int64) - (_HALF_BITS + 1), 0)


def _middle(micros: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The middle of the places that begin at these values, so that none is wrong by more than half a place."""
    return micros + ((1 << _shift(micros)) - 1) / 2


def _hdr(counts: dict[int, int]) -> str:
    hdr = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for value, count in counts.items():
        hdr.record_value(value, count)
    encoded = hdr.encode()
    return encoded.decode() if isinstance(encoded, bytes) else str(encoded)
