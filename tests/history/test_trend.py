"""A change is told only beyond the noise of the earlier runs, and beyond what their measurement resolves."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.history.statistics import spread
from muster.history.trend import EARLIER_NEEDED, EARLIER_USED, Change, Figure, compare, width


def exact(*values: float) -> list[Figure]:
    return [Figure(value, value, value) for value in values]


CALM = exact(2.0, 2.1, 1.9, 2.05, 1.95, 2.0, 2.08, 1.92)


def test_a_drill_that_doubled_is_slower_and_says_by_how_much() -> None:
    trend = compare(CALM, Figure(4.0, 3.98, 4.02))
    assert (trend.change, trend.runs, trend.median) == (Change.HIGHER, 8, 2.0)
    assert trend.by == pytest.approx(2.0)


def test_a_drill_that_halved_is_faster() -> None:
    assert compare(CALM, Figure(0.5, 0.49, 0.51)).change is Change.LOWER


def test_what_the_earlier_ones_differ_by_is_no_change() -> None:
    assert compare(CALM, Figure(2.15, 2.15, 2.15)).change is Change.NONE


@pytest.mark.parametrize("count", range(EARLIER_NEEDED))
def test_too_few_earlier_runs_say_nothing_however_far_off_the_latest_is(count: int) -> None:
    trend = compare(CALM[:count], Figure(99.0, 99.0, 99.0))
    assert (trend.change, trend.runs) == (Change.TOO_FEW, count)


def test_nothing_measured_is_no_change() -> None:
    assert compare(CALM, None).change is Change.TOO_FEW


def test_a_latest_that_may_lie_within_the_noise_is_no_change() -> None:
    assert compare(CALM, Figure(4.0, 2.1, 6.0)).change is Change.NONE


def test_equal_figures_have_the_noise_of_their_measurement() -> None:
    blurred = [Figure(2.0, 1.9, 2.1)] * 10
    assert compare(blurred, Figure(2.05, 2.05, 2.05)).change is Change.NONE
    assert compare(blurred, Figure(2.2, 2.2, 2.2)).change is Change.HIGHER


def test_a_long_past_does_not_outvote_the_present() -> None:
    slow_once = exact(*[9.0 + n % 5 / 10 for n in range(100)])
    since = exact(*[2.0 + n % 5 / 10 for n in range(EARLIER_USED)])
    assert compare([*slow_once, *since], Figure(2.2, 2.2, 2.2)).change is Change.NONE


@pytest.mark.parametrize("runs", [5, 6, 8, 12, 20, 30])
def test_noise_is_called_a_change_about_once_in_a_hundred(runs: int) -> None:
    chance = random.Random(runs)
    rounds, passed = 4000, 0
    for _ in range(rounds):
        middle, sigma = spread([chance.gauss(0, 1) for _ in range(runs)])
        passed += abs(chance.gauss(0, 1) - middle) > width(runs) * sigma
    assert 0.003 < passed / rounds < 0.018


@given(st.lists(st.floats(0, 1e6), min_size=5, max_size=40), st.floats(0, 1e6), st.floats(0.001, 1000))
def test_the_unit_of_time_does_not_matter(earlier: list[float], latest: float, factor: float) -> None:
    one = compare(exact(*earlier), Figure(latest, latest, latest))
    other = compare(exact(*[factor * v for v in earlier]), Figure(factor * latest, factor * latest, factor * latest))
    # Rounding may decide where a value lies on the very limit.
    if one.by is not None and abs(one.by) > 1e-6:
        margin = abs(abs(one.by) - width(one.runs) * (one.spread or 0.0))
        assert margin < 1e-6 * (1 + latest) or one.change is other.change


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_a_ratio_lies_within_what_its_samples_allow(value: float, samples: int) -> None:
    figure = Figure.of_ratio(value, samples)
    assert figure is not None
    assert 0 <= figure.low <= value + 1e-9
    assert value - 1e-9 <= figure.high <= 1
    assert figure.high - figure.low <= 4 / samples**0.5 + 1e-9


def test_one_failed_request_of_a_thousand_is_no_change_of_the_error_rate() -> None:
    never = [Figure.of_ratio(0.0, 1000) or pytest.fail("no figure") for _ in range(10)]
    assert compare(never, Figure.of_ratio(0.001, 1000)).change is Change.NONE
    assert compare(never, Figure.of_ratio(0.05, 1000)).change is Change.HIGHER
