"""How much is proved, against the definitions and by simulation: never more than there is evidence for."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muster.verdict.many.evidence import (
    beta_cdf,
    bounding_rank,
    rank,
    spread_of,
    success_bound,
    success_limit,
    successes_wanted,
    values_wanted,
)

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


@given(TRIALS)
def test_the_upper_bound_mirrors_the_lower_one(counts: tuple[int, int]) -> None:
    successes, trials = counts
    limit = success_limit(successes, trials)
    assert success_bound(successes, trials) <= successes / trials <= limit <= 1
    if successes < trials:
        # At most so many successes have a chance of one in twenty there.
        assert 1 - at_least(successes + 1, trials, limit) == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize(("trials", "rate"), [(10, 0.7), (10, 0.95), (59, 0.95), (59, 0.9), (200, 0.98)])
def test_the_bound_is_above_the_truth_once_in_twenty_at_most(trials: int, rate: float) -> None:
    chance = random.Random(trials)
    rounds = 4000
    bounds = {k: success_bound(k, trials) for k in range(trials + 1)}
    above = sum(bounds[sum(chance.random() < rate for _ in range(trials))] > rate for _ in range(rounds))
    # 5 % and four standard deviations of the simulation itself.
    assert above / rounds < 0.05 + 4 * math.sqrt(0.05 * 0.95 / rounds)


@pytest.mark.parametrize(("count", "rank_of_p95"), [(1, 1), (10, 10), (19, 19), (20, 19), (59, 57), (100, 95)])
def test_the_nearest_rank_of_the_p95(count: int, rank_of_p95: int) -> None:
    assert rank(count, 0.95) == rank_of_p95


def test_a_p95_is_bounded_from_59_values_on() -> None:
    assert values_wanted(0.95) == 59
    assert [bounding_rank(count, 0.95) for count in (0, 1, 58)] == [None] * 3
    assert bounding_rank(59, 0.95) == 59
    assert bounding_rank(93, 0.95) == 92  # tables of distribution-free tolerance limits: 93 for the second largest
    assert bounding_rank(124, 0.95) == 122


@settings(deadline=None)
@given(st.integers(1, 150))
def test_the_bounding_rank_is_the_lowest_that_is_sure(count: int) -> None:
    found = bounding_rank(count, 0.95)
    sure = [r for r in range(1, count + 1) if at_least(r, count, 0.95) <= 0.05]
    assert found == (sure[0] if sure else None)


@pytest.mark.parametrize("shape", ["uniform", "heavy", "two humps"])
def test_the_bound_of_the_p95_is_below_it_once_in_twenty_at_most_whatever_the_distribution(shape: str) -> None:
    chance = random.Random(shape)
    draw, truth = {
        "uniform": (chance.random, 0.95),
        "heavy": (lambda: chance.paretovariate(1), 20.0),
        "two humps": (lambda: chance.random() + 10 * (chance.random() < 0.5), 10.9),
    }[shape]
    rounds = 2000
    below = 0
    for _ in range(rounds):
        values = [draw() for _ in range(60)]
        high = spread_of([(value, value) for value in values], 0).p95_high
        assert high is not None
        below += high < truth
    assert below / rounds < 0.05 + 4 * math.sqrt(0.05 * 0.95 / rounds)


def test_what_was_not_measured_is_longer_than_anything_that_was() -> None:
    values: list[tuple[float, float | None]] = [(n / 10, n / 10 + 0.05) for n in range(1, 60)]
    whole = spread_of(values, 0)
    assert (whole.min, whole.median, whole.max, whole.p95_high) == (0.1, 3.0, 5.9, 5.95)
    assert spread_of(values, 1).p95_high is None
    assert spread_of(values, 1).max == 5.9
    assert spread_of([*values[:-1], (5.9, None)], 0).p95_high is None
    assert spread_of(values * 2, 1).p95_high == 5.95


def test_nothing_measured_says_nothing() -> None:
    assert spread_of([], 3) == spread_of([], 3).__class__(0, 3)
