"""How many requests a load was to ask for, when its rate changed on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.verdict.reading.offered import AllOffered, Offered

CHANGES = st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 1000), st.floats(0, 5)), min_size=1, max_size=6)


def offered(*changes: tuple[float, float, float]) -> Offered:
    """A load changed at these moments, to these rates, over these times."""
    load = Offered()
    for at, rate, over_s in changes:
        load.change(at, rate, over_s)
    return load


def test_a_steady_load_wants_its_rate() -> None:
    load = offered((10.0, 50.0, 0.0))
    assert load.wanted(12.0, 14.0) == pytest.approx(100)
    assert load.slowest == 50


def test_a_load_that_came_late_was_wanted_all_the_same() -> None:
    assert offered((10.0, 50.0, 0.0)).wanted(8.0, 11.0) == pytest.approx(150)


def test_a_load_of_which_nothing_is_told_wants_nothing() -> None:
    assert (Offered().wanted(0.0, 9.0), Offered().slowest, Offered().rate_at(3.0)) == (0.0, 0.0, 0.0)


def test_a_step_counts_from_its_moment() -> None:
    load = offered((0.0, 300.0, 0.0), (5.0, 900.0, 0.0))
    assert load.wanted(4.0, 6.0) == pytest.approx(300 + 900)
    assert (load.rate_at(4.9), load.rate_at(5.0)) == (300, 900)
    assert load.slowest == 300


def test_a_ramp_counts_by_its_area_and_can_be_left_in_its_middle() -> None:
    load = offered((0.0, 100.0, 0.0), (10.0, 300.0, 2.0))
    assert load.wanted(10.0, 12.0) == pytest.approx(400)
    assert load.wanted(10.0, 13.0) == pytest.approx(700)
    left = offered((0.0, 100.0, 0.0), (10.0, 300.0, 2.0), (11.0, 50.0, 0.0))
    assert left.wanted(10.0, 12.0) == pytest.approx(150 + 50)


@given(CHANGES, st.floats(0, 40), st.floats(0, 20), st.floats(0, 20))
def test_windows_add_up_and_stay_within_the_rates(
    later: list[tuple[float, float, float]], start: float, first: float, second: float
) -> None:
    load, at = Offered(), 0.0
    for after, rate, over_s in later:
        at += after
        load.change(at, rate, over_s)
    middle, end = start + first, start + first + second
    assert load.wanted(start, middle) + load.wanted(middle, end) == pytest.approx(load.wanted(start, end), abs=1e-6)
    rates = [rate for _, rate, _ in later]
    assert min(rates) * first - 1e-6 <= load.wanted(start, middle) <= max(rates) * first + 1e-6


def test_two_loads_are_wanted_together_and_what_ended_is_wanted_no_more() -> None:
    offered = AllOffered()
    offered.change("load-1", 0.0, 100.0)
    offered.change("load-2", 10.0, 50.0)
    assert not offered.stop("load-2", 20.0)
    assert offered.wanted(10.0, 20.0) == 1500.0
    assert offered.wanted(20.0, 30.0) == 1000.0
    assert offered.slowest == 100.0
    assert offered.stop("load-1", 30.0)
