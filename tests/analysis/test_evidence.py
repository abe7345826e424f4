"""Evidence holds at every look: chance brings it to 1 / alpha not oftener than alpha, however often is looked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.analysis.evidence import THETAS, Bet, Table, below, odds

UNCUT = math.inf


def highest(hits: np.ndarray, n: np.ndarray, against: np.ndarray, *, most: float = UNCUT, share: float) -> np.ndarray:
    """The most that each row's evidence ever came to, looked at after each column."""
    table, seen = Table(), np.zeros(len(hits))
    for column in range(hits.shape[1]):
        placed = [
            Bet(str(row), hits[row, column], n[row, column], against[row, column], most) for row in range(len(hits))
        ]
        table = table.after(placed, share)
        worth = table.worth()
        seen = np.maximum(seen, [worth[str(row)] for row in range(len(hits))])
    return seen


def too_often(seen: np.ndarray, alpha: float) -> bool:
    """Whether more came to 1 / alpha than chance brings there, by three standard deviations."""
    above = float((seen >= math.log(1 / alpha)).mean())
    return above > alpha + 3 * math.sqrt(alpha * (1 - alpha) / len(seen))


@pytest.mark.parametrize("limit", [0.005, 0.05, 0.4])
@pytest.mark.parametrize("a_look", [1, 40])
def test_who_is_at_the_limit_is_not_shown_to_be_above_it_oftener_than_alpha(limit: float, a_look: int) -> None:
    hits = np.random.default_rng(7).binomial(a_look, limit, size=(1000, 120))
    against = np.full(hits.shape, odds(limit))
    seen = highest(hits, np.full(hits.shape, a_look), against, share=1 / 60)
    assert not too_often(seen, 0.05)
    assert seen.max() > 1, "with no bet ever won this test could not fail"


def test_who_is_above_the_limit_is_shown_to_be() -> None:
    hits = np.random.default_rng(7).binomial(40, 0.02, size=(100, 120))
    seen = highest(hits, np.full(hits.shape, 40), np.full(hits.shape, odds(0.005)), share=1 / 120)
    assert (seen >= math.log(1 / 0.01)).all()


def test_bursts_that_strike_both_are_no_evidence_for_where_failures_fall() -> None:
    """All requests of a fifth of the looks fail, which no test of two rates would take for chance."""
    rng = np.random.default_rng(7)
    shape = (1000, 100)
    requests, share = 50, 0.2
    canary = rng.binomial(requests, share, size=shape)
    failing = np.where(rng.random(shape) < 0.2, 1.0, 0.001)
    hits, beside = rng.binomial(canary, failing), rng.binomial(requests - canary, failing)
    against = canary / np.maximum(requests - canary, 1)
    seen = highest(np.where(canary == 0, 0, hits), np.where(canary == 0, 0, hits + beside), against, share=1 / 100)
    assert not too_often(seen, 0.05)


def test_a_cut_never_adds_evidence() -> None:
    hits = np.random.default_rng(7).binomial(40, 0.02, size=(50, 60))
    many, against = np.full(hits.shape, 40), np.full(hits.shape, odds(0.005))
    cut = highest(hits, many, against, most=math.log(2), share=1 / 60)
    assert (cut <= highest(hits, many, against, share=1 / 60) + 1e-9).all()


@given(st.integers(1, 12), st.sampled_from([0.005, 0.05, 0.3]))
def test_a_bet_is_fair_where_the_hypothesis_just_holds(n: int, limit: float) -> None:
    """The mean over all that may happen, weighed by how likely it is, is 1: nothing is to be gained."""
    worth = [Table().after([Bet("row", hits, n, odds(limit), UNCUT)], 0.1).worth()["row"] for hits in range(n + 1)]
    likely = [math.comb(n, hits) * limit**hits * (1 - limit) ** (n - hits) for hits in range(n + 1)]
    assert sum(part * math.exp(one) for part, one in zip(likely, worth, strict=True)) == pytest.approx(1)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.001, 0.5))
def test_one_hit_more_is_never_less_evidence(hits: int, misses: int, limit: float) -> None:
    def worth(so_many: int) -> float:
        return Table().after([Bet("row", so_many, hits + misses + 1, odds(limit), UNCUT)], 0.1).worth()["row"]

    assert worth(hits + 1) >= worth(hits)
    assert below(hits + 1, hits + misses + 1, odds(limit)) <= below(hits, hits + misses + 1, odds(limit))


def test_what_is_below_the_limit_is_shown_to_be_by_enough_of_it_alone() -> None:
    assert below(0, 300, odds(0.005)) < math.log(20)
    assert below(0, 3000, odds(0.005)) > math.log(20)
    assert below(15, 3000, odds(0.005)) < 0.01
    assert below(0, 0, odds(0.005)) == 0


def test_what_errs_after_a_long_good_time_is_found_about_as_fast_as_what_errs_at_once() -> None:
    def looks_until_shown(good: int) -> int:
        table = Table()
        for number in range(good + 200):
            hits = 0 if number < good else 2
            table = table.after([Bet("row", hits, 40, odds(0.005), UNCUT)], 1 / 300)
            if table.worth()["row"] >= math.log(1000):
                return number - good + 1
        raise AssertionError("never shown")

    assert looks_until_shown(0) <= looks_until_shown(250) <= 2 * looks_until_shown(0) + 2


def test_a_row_that_comes_later_has_lost_nothing_so_far() -> None:
    table = Table().after([Bet("first", 0, 100, odds(0.05), UNCUT)], 0.1)
    table = table.after([Bet("first", 0, 0, odds(0.05), UNCUT), Bet("second", 0, 0, odds(0.05), UNCUT)], 0.1)
    assert table.worth()["second"] == pytest.approx(0)
    assert table.worth()["first"] < 0
    assert table.bets.shape == (2, len(THETAS))
