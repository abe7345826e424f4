"""Burn rates against a computation by hand, and what is said where only a part was watched."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.objectives import BurnAlert
from muster.verdict import Verdict
from muster.verdict.objectives.burn import burn_rates, goes_on, moments, would_fire
from muster.verdict.reading.occurrences import Occurrences

MET, MISSED, UNKNOWN = Verdict.MET, Verdict.MISSED, Verdict.UNKNOWN
ALLOWED = 0.01

# Quarters of a second are exact in binary, so that by hand and by machine the same requests lie in a window.
REQUESTS = st.lists(st.tuples(st.integers(0, 240).map(lambda quarter: quarter / 4), st.booleans()), max_size=120)


def occurrences(requests: Iterable[tuple[float, bool]]) -> Occurrences:
    ordered = sorted(requests)
    return Occurrences.marked(
        np.array([at for at, _ in ordered], dtype=np.float64), np.array([bad for _, bad in ordered], dtype=np.bool_)
    )


def steady(until: float, bad_from: float = 0.0, bad_to: float = 0.0, every: float = 0.01) -> Occurrences:
    """A request every 10 ms, all bad in [bad_from, bad_to)."""
    times = np.arange(0.0, until, every)
    return Occurrences.marked(times, (times >= bad_from) & (times < bad_to))


def by_hand(requests: list[tuple[float, bool]], at: float, lookback: float, since: float) -> tuple[float, float]:
    """The burn rate's bounds over (at - lookback, at], one request after the other."""
    start = max(at - lookback, since)
    inside = [bad for when, bad in requests if start <= when < at]
    if not inside:
        return 0.0, 1 / ALLOWED
    unseen = len(inside) / (at - start) * (lookback - (at - start))
    low = sum(inside) / (len(inside) + unseen)
    return low / ALLOWED, (sum(inside) + unseen) / (len(inside) + unseen) / ALLOWED


@settings(deadline=None)
@given(requests=REQUESTS, lookback=st.integers(1, 90), since=st.integers(0, 20))
def test_burn_rates_are_those_by_hand(requests: list[tuple[float, bool]], lookback: int, since: int) -> None:
    at = moments(20.0, 60.0)
    low, high = burn_rates(occurrences(requests), at, lookback, since=since, allowed=ALLOWED)
    for place, moment in enumerate(at):
        expected = by_hand(requests, moment, lookback, since)
        assert (low[place], high[place]) == pytest.approx(expected), moment


@settings(deadline=None)
@given(
    requests=REQUESTS,
    lookbacks=st.lists(st.integers(1, 90), min_size=1, max_size=3, unique=True),
    threshold=st.sampled_from([0.5, 2.0, 14.4, 60.0]),
    after=st.integers(0, 12),
)
def test_an_alert_fires_where_every_lookback_burns_for_long_enough(
    requests: list[tuple[float, bool]], lookbacks: list[int], threshold: float, after: int
) -> None:
    alert = BurnAlert(name="page", threshold=threshold, lookbacks_s=tuple(lookbacks), alert_after_s=after)
    burn = would_fire(occurrences(requests), alert, 20.0, 60.0, since=0.0, allowed=ALLOWED)
    fires = {"low": False, "high": False}
    peaks = {"low": 0.0, "high": 0.0}
    for side, place in (("low", 0), ("high", 1)):
        began = None
        for moment in range(21, 61):
            rate = min(by_hand(requests, moment, lookback, 0.0)[place] for lookback in lookbacks)
            peaks[side] = max(peaks[side], rate)
            began = None if rate <= threshold else moment if began is None else began
            fires[side] = fires[side] or (began is not None and moment - began >= after)
        if side == "high" and began is not None:  # what burns at the end may go on for as long as it takes
            fires[side] = True
    assert (burn.low, burn.high) == pytest.approx((peaks["low"], peaks["high"]))
    assert burn.verdict is (MISSED if fires["low"] else UNKNOWN if fires["high"] else MET)


@settings(deadline=None)
@given(requests=REQUESTS, hidden=st.integers(1, 59), lookback=st.integers(60, 90))
def test_what_was_not_seen_lies_within_the_bounds(
    requests: list[tuple[float, bool]], hidden: int, lookback: int
) -> None:
    """With traffic as dense before the watch as in it, whatever became of that, the true rate is in the interval."""
    seen = [(when, bad) for when, bad in requests if when >= hidden]
    rate = len([when for when, _ in seen if when < 60]) / (60 - hidden)
    if rate == 0:
        return
    low, high = burn_rates(occurrences(seen), np.array([60.0]), lookback, since=hidden, allowed=ALLOWED)
    bad = sum(bad for when, bad in seen if when < 60)
    unseen = rate * (lookback - (60 - hidden))
    for share in (0.0, 0.3, 1.0):
        true = (bad + share * unseen) / (rate * lookback) / ALLOWED
        assert low[0] - 1e-9 <= true <= high[0] + 1e-9


def test_an_outage_that_burns_faster_than_allowed_fires() -> None:
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(60.0, 10.0))
    burn = would_fire(steady(200.0, 100.0, 130.0), alert, 100.0, 200.0, since=0.0, allowed=ALLOWED)
    assert burn.verdict is MISSED
    # 14.4 % of 60 s are bad after 8.64 s: by the long window, which is the later one.
    assert burn.fired == pytest.approx(109.0)
    assert burn.low == pytest.approx(50.0, rel=0.01)


def test_an_alert_must_hold_for_as_long_as_it_says() -> None:
    seen = steady(200.0, 100.0, 130.0)
    for after, fired in ((0.0, 102.0), (20.0, 122.0), (60.0, None)):
        alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(10.0,), alert_after_s=after)
        assert would_fire(seen, alert, 100.0, 200.0, since=0.0, allowed=ALLOWED).fired == fired


def test_an_hour_of_which_half_a_minute_was_watched_is_open_unless_it_burnt_enough() -> None:
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(3600.0, 300.0))
    open_ = would_fire(steady(30.0, 5.0, 7.0), alert, 5.0, 30.0, since=0.0, allowed=0.0005)
    assert open_.verdict is UNKNOWN
    assert open_.low == pytest.approx(2 / 3600 / 0.0005, rel=0.01)
    # Of the short lookback 295 s may have been bad: one second of what was watched was, 294 s were not watched.
    assert open_.high == pytest.approx(295 / 300 / 0.0005, rel=0.01)
    sure = would_fire(steady(90.0, 5.0, 65.0), alert, 5.0, 90.0, since=0.0, allowed=0.0005)
    assert sure.verdict is MISSED
    assert sure.fired == pytest.approx(5 + math.ceil(14.4 * 0.0005 * 3600))


def test_a_burn_that_ended_with_the_disruption_does_not_go_on() -> None:
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(3600.0, 300.0))
    seen = steady(60.0, 5.0, 20.0)
    assert goes_on(seen, alert, 20.0, 60.0, allowed=0.0005, needed=139).verdict is MET
    worse = Occurrences.marked(seen.at, np.arange(len(seen.at)) % 50 == 0)  # 2 % go on failing
    burn = goes_on(worse, alert, 20.0, 60.0, allowed=0.0005, needed=139)
    assert burn.verdict is MISSED
    assert burn.low == pytest.approx(40.0, rel=0.1)


def test_stragglers_right_after_a_disruption_are_no_burn() -> None:
    """Two of the first 200 requests failed, and none of the 3,800 after them."""
    times = np.arange(20.0, 60.0, 0.01)
    seen = Occurrences.marked(times, np.isin(np.arange(len(times)), [20, 150]))
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(3600.0, 300.0))
    burn = goes_on(seen, alert, 20.0, 60.0, allowed=0.0005, needed=139)
    assert (burn.verdict, burn.low) == (MET, pytest.approx(1.0))


def test_a_burn_in_the_midst_of_a_long_watch_is_seen() -> None:
    """Where the shortest lookback was watched whole, it is looked at each second, as the alert would."""
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(60.0, 10.0))
    seen = steady(200.0, 100.0, 130.0)
    assert goes_on(seen, alert, 20.0, 200.0, allowed=ALLOWED, needed=7).fired == pytest.approx(109.0)
    assert goes_on(seen, alert, 140.0, 200.0, allowed=ALLOWED, needed=7).verdict is MET


def test_too_few_requests_prove_nothing() -> None:
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(3600.0, 300.0))
    assert goes_on(steady(21.0), alert, 20.0, 21.0, allowed=0.0005, needed=139).verdict is UNKNOWN
    assert goes_on(steady(20.0), alert, 20.0, 20.0, allowed=0.0005, needed=139).verdict is UNKNOWN


def test_a_burn_at_the_very_end_that_has_not_lasted_long_enough_is_open() -> None:
    alert = BurnAlert(name="page", threshold=14.4, lookbacks_s=(10.0,), alert_after_s=120.0)
    assert goes_on(steady(60.0, 50.0, 60.0), alert, 20.0, 60.0, allowed=ALLOWED, needed=7).verdict is UNKNOWN


@settings(deadline=None)
@given(start=st.integers(0, 100), steps=st.integers(1, 400))
def test_moments_reach_from_the_first_second_to_the_end(start: int, steps: int) -> None:
    end = start + steps / 8
    at = moments(start, end)
    assert at[-1] == end
    assert bool(np.all(at > start))
    assert bool(np.all(np.diff(at) > 0))
    assert bool(np.all(np.diff(at) <= 1.0))
