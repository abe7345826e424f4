"""When each request of an open loop is meant to be sent."""

from __future__ import annotations

import random
from collections.abc import Iterator


def evenly(rate: float, start: float) -> Iterator[float]:
    """Times 1/rate apart from `start` on, for ever; computed from the start, so that they do not drift."""
    number = 0
    while True:
        yield start + number / rate
        number += 1


def poisson(rate: float, start: float, source: random.Random) -> Iterator[float]:
    """Times of a Poisson process of `rate` per second from `start` on: independent arrivals, as of many people."""
    time = start
    while True:
        yield time
        time += source.expovariate(rate)
