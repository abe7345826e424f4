"""When requests of an open loop are meant to be sent, also while the wanted rate changes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.load.schedule import Pace, even, poisson

RATES = st.floats(0.1, 10_000)


def times(pace: Pace, start: float, gap: Callable[[], float] = even) -> Iterator[float]:
    """The times of a pace's requests, the first one at `start`."""
    while True:
        yield start
        start = pace.after(start, gap())


def count(pace: Pace, start: float, end: float) -> int:
    return sum(1 for _ in itertools.takewhile(lambda time: time < end, times(pace, start)))


@given(rate=RATES, start=st.floats(0, 1e6), number=st.integers(0, 2000))
def test_even_times_do_not_drift(rate: float, start: float, number: int) -> None:
    time = next(itertools.islice(times(Pace(rate, start), start), number, None))
    assert time == pytest.approx(start + number / rate)


@given(rate=RATES, seed=st.integers())
def test_poisson_times_go_on_and_are_repeatable(rate: float, seed: int) -> None:
    pace = Pace(rate, 5.0)
    first, again = (list(itertools.islice(times(pace, 5.0, poisson(random.Random(seed))), 50)) for _ in range(2))
    assert first == again
    assert first == sorted(first)
    assert first[0] == 5.0


def test_poisson_times_keep_the_rate() -> None:
    found = list(itertools.islice(times(Pace(100.0, 0.0), 0.0, poisson(random.Random(1))), 10_000))
    assert len(found) / found[-1] == pytest.approx(100, rel=0.05)


@given(before=RATES, after=RATES, at=st.floats(0.01, 50))
def test_a_step_counts_from_its_moment_on(before: float, after: float, at: float) -> None:
    pace = Pace(before, 0.0)
    pace.change(after, at=at)
    assert pace.rate_at(at - 1e-6) == before
    assert pace.rate_at(at) == after
    # What of a request was wanted already before the step is not wanted again.
    last = at - 0.25 / before
    if last > 0:
        assert pace.after(last) == pytest.approx(at + 0.75 / after)


@given(before=RATES, after=RATES, over=st.floats(0.1, 100), share=st.floats(0.01, 0.99))
def test_a_ramp_goes_evenly_from_rate_to_rate(before: float, after: float, over: float, share: float) -> None:
    pace = Pace(before, 0.0)
    pace.change(after, at=10.0, over_s=over)
    assert pace.rate_at(10.0 + share * over) == pytest.approx(before + share * (after - before))
    assert pace.rate_at(10.0 + 2 * over) == after
    assert pace.after(10.0, over * (before + after) / 2) == pytest.approx(10.0 + over, rel=1e-6)


def test_as_many_requests_come_in_a_ramp_as_its_rates_say() -> None:
    pace = Pace(100.0, 0.0)
    pace.change(300.0, at=1.0, over_s=2.0)
    assert count(pace, 0.0, 1.0) == pytest.approx(100, abs=1)
    assert count(pace, 1.0, 3.0) == pytest.approx(400, abs=2)
    assert count(pace, 3.0, 4.0) == pytest.approx(300, abs=2)


def test_of_two_changes_at_one_moment_the_later_one_counts() -> None:
    pace = Pace(100.0, 0.0)
    pace.change(300.0, at=2.0)
    pace.change(50.0, at=2.0)
    assert [pace.rate_at(1.0), pace.rate_at(2.0)] == [100, 50]
    assert pace.wanted(0.0, 4.0) == pytest.approx(300)


def test_what_was_planned_for_later_is_dropped_by_a_change() -> None:
    pace = Pace(100.0, 0.0)
    pace.change(300.0, at=2.0, over_s=2.0)
    pace.change(50.0, at=1.0)
    assert [pace.rate_at(moment) for moment in (0.5, 1.0, 3.0, 9.0)] == [100, 50, 50, 50]
    assert [change.rate for change in pace.changes(0.0, 99.0)] == [50]


def test_following_another_goes_on_along_its_line() -> None:
    other = Pace(100.0, 0.0)
    other.change(300.0, at=1.0, over_s=2.0)
    other.change(40.0, at=5.0)
    pace = Pace(900.0, 0.0)
    pace.follow(other, at=2.0)
    assert [pace.rate_at(moment) for moment in (1.9, 2.0, 2.5, 3.0, 4.9, 5.0)] == [900, 200, 250, 300, 300, 40]


@given(st.lists(st.tuples(st.floats(0.001, 3), RATES, st.floats(0, 3)), max_size=6), st.floats(0, 20))
def test_the_highest_rate_ahead_is_not_passed(changes: list[tuple[float, float, float]], since: float) -> None:
    pace, at = Pace(10.0, 0.0), 0.0
    for later, rate, over in changes:
        at += later
        pace.change(rate, at=at, over_s=over)
    ahead = [pace.rate_at(since + step / 10) for step in range(300)]
    assert max(ahead) <= pace.highest(since) * (1 + 1e-9)


def test_a_change_in_the_middle_of_a_ramp_goes_on_from_the_rate_reached() -> None:
    pace = Pace(100.0, 0.0)
    pace.change(300.0, at=1.0, over_s=2.0)
    pace.change(50.0, at=2.0, over_s=1.0)
    assert pace.rate_at(1.5) == pytest.approx(150)
    assert pace.rate_at(2.0) == pytest.approx(200)
    assert pace.rate_at(2.5) == pytest.approx(125)
    assert pace.rate_at(9.0) == 50


@given(st.lists(st.tuples(st.floats(0.001, 3), RATES, st.floats(0, 3)), max_size=6), st.floats(0, 20))
def test_times_always_go_on(changes: list[tuple[float, float, float]], moment: float) -> None:
    pace, at = Pace(10.0, 0.0), 0.0
    for later, rate, over in changes:
        at += later
        pace.change(rate, at=at, over_s=over)
    assert pace.after(moment) > moment
