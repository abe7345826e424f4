"""When requests of an open loop are meant to be sent."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.load.schedule import evenly, poisson


@given(rate=st.floats(0.1, 10_000), start=st.floats(0, 1e6), number=st.integers(0, 5000))
def test_even_times_do_not_drift(rate: float, start: float, number: int) -> None:
    time = next(itertools.islice(evenly(rate, start), number, None))
    assert time == pytest.approx(start + number / rate)


@given(rate=st.floats(0.1, 10_000), seed=st.integers())
def test_poisson_times_go_on_and_are_repeatable(rate: float, seed: int) -> None:
    first, again = (list(itertools.islice(poisson(rate, 5.0, random.Random(seed)), 50)) for _ in range(2))
    assert first == again
    assert first == sorted(first)
    assert first[0] == 5.0


def test_poisson_times_keep_the_rate() -> None:
    times = list(itertools.islice(poisson(100.0, 0.0, random.Random(1)), 10_000))
    assert len(times) / times[-1] == pytest.approx(100, rel=0.05)
