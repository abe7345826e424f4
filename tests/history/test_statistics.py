"""The statistics against their definitions, not against other code."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from muster.history.statistics import beta_cdf, spread, success_bound, successes_wanted

TRIALS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def at_least(successes: int, trials: int, rate: float) -> float:
    """The chance of so many successes or more, summed up."""
    return math.fsum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(successes, trials + 1))


@given(TRIALS, st.floats(0.001, 0.999))
@example((300, 300), 0.999)
@example((1, 300), 0.001)
def test_the_incomplete_beta_function_is_a_binomial_tail(counts: tuple[int, int], rate: float) -> None:
    successes, trials = max(counts[0], 1), counts[1]
    assert beta_cdf(rate, successes, trials - successes + 1) == pytest.approx(
        at_least(successes, trials, rate), abs=1e-10
    )


# Not closer to 0: 1 - x would be 1.
@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.1, 5000), st.floats(0.1, 5000))
def test_the_incomplete_beta_function_is_a_probability_and_mirrors(x: float, a: float, b: float) -> None:
    assert -1e-12 <= beta_cdf(x, a, b) <= 1 + 1e-12
    assert beta_cdf(x, a, b) + beta_cdf(1 - x, b, a) == pytest.approx(1, abs=1e-6)


@given(TRIALS)
def test_at_the_bound_so_many_successes_have_a_chance_of_one_in_twenty(counts: tuple[int, int]) -> None:
    successes, trials = counts
    bound = success_bound(successes, trials)
    if successes:
        assert at_least(successes, trials, bound) == pytest.approx(0.05, abs=1e-5)
        assert bound < successes / trials
    else:
        assert bound == 0


@given(TRIALS)
def test_another_success_never_weakens_and_another_failure_never_strengthens(counts: tuple[int, int]) -> None:
    successes, trials = counts
    bound = success_bound(successes, trials)
    assert success_bound(successes + 1, trials + 1) > bound - 1e-8
    assert success_bound(successes, trials + 1) < bound + 1e-8


def test_more_than_95_percent_needs_59_successes_in_a_row() -> None:
    assert success_bound(58, 58) < 0.95 < success_bound(59, 59)
    assert successes_wanted(0, 0, 0.95) == 59
    assert successes_wanted(12, 12, 0.95) == 47
    assert successes_wanted(59, 59, 0.95) == 0


@given(TRIALS)
def test_so_many_more_are_wanted_and_not_one_fewer(counts: tuple[int, int]) -> None:
    successes, trials = counts
    more = successes_wanted(successes, trials, 0.9)
    assert success_bound(successes + more, trials + more) > 0.9
    if more:
        assert success_bound(successes + more - 1, trials + more - 1) <= 0.9


def test_ten_thousand_drills_are_no_trouble() -> None:
    assert 0.9880 < success_bound(9900, 10000) < 0.99
    assert successes_wanted(9000, 10000, 0.95) > 9000


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="3 successes in 2 trials"):
        success_bound(3, 2)


def test_one_outlier_moves_neither_median_nor_spread_much() -> None:
    calm = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02]
    middle, width = spread([*calm, 500.0])
    assert middle == pytest.approx(1.01, abs=0.03)
    assert width < 0.2
