"""Rates from counts: of half a minute, of pods that come, go and start anew."""

from __future__ import annotations

import math

import pytest

from muster.dashboard.rates import SPAN_S, History, Rates, cells, p95
from muster.release.counting import Counted


def counted(requests: float, failed: float = 0.0, **buckets: float) -> Counted:
    bounds = {float(key[1:].replace("_", ".")): value for key, value in buckets.items()}
    return Counted(requests=requests, failed=failed, timed=requests if bounds else None, buckets=bounds)


def test_one_look_tells_nothing_and_two_tell_a_rate() -> None:
    history = History()
    assert history.add(0, {"a": ("stable", counted(100))})["stable"][-1].per_s is None
    last = history.add(2, {"a": ("stable", counted(120, 5))})["stable"][-1]
    assert (last.requests, last.per_s, last.error_rate) == (20, 10, 0.25)


def test_only_the_last_half_minute_counts() -> None:
    history = History()
    for second in range(0, 102, 2):
        last = history.add(second, {"a": ("stable", counted(10 * second, 100 if second > 10 else 0))})["stable"][-1]
    assert last.requests == pytest.approx(300)
    assert last.error_rate == 0


def test_a_pod_that_starts_anew_counts_from_nothing_and_none_goes_back() -> None:
    history = History()
    history.add(0, {"a": ("stable", counted(1000))})
    assert history.add(2, {"a": ("stable", counted(10))})["stable"][-1].requests == 10


def test_a_version_that_has_just_come_is_told_from_its_second_look_on() -> None:
    history = History()
    for second in range(0, 20, 2):
        history.add(second, {"a": ("stable", counted(10 * second))})
    assert history.add(20, {"a": ("stable", counted(200)), "b": ("canary", counted(4))})["canary"][-1].requests is None
    last = history.add(22, {"a": ("stable", counted(220)), "b": ("canary", counted(8))})
    assert (last["canary"][-1].requests, last["canary"][-1].per_s) == (4, 2)


def test_a_version_that_is_not_seen_has_no_figures() -> None:
    history = History()
    history.add(0, {"a": ("stable", counted(10)), "b": ("canary", counted(10))})
    last = history.add(2, {"a": ("stable", counted(20))})
    assert last["canary"][-1] == Rates(2)


def test_no_request_has_no_error_rate() -> None:
    history = History()
    history.add(0, {"a": ("stable", counted(10))})
    assert history.add(2, {"a": ("stable", counted(10))})["stable"][-1].error_rate is None


def test_the_p95_is_interpolated_in_its_bucket_and_infinite_above_all() -> None:
    assert p95({0.1: 90.0, 0.5: 100.0, 1.0: 100.0}, 100) == pytest.approx(0.3)
    assert p95({0.1: 100.0}, 100) == pytest.approx(0.095)
    assert p95({0.1: 90.0}, 100) == math.inf


def test_sparks_show_the_worst_of_their_time_and_gaps_as_gaps() -> None:
    points = [Rates(at, error_rate=at / 1000) for at in (881.0, 882.0, 999.0, 1000.0)]
    shown = cells(points, "error_rate", 1000.0, 4)
    assert shown == [0.882, None, None, 1.0]
    assert cells([Rates(1000 - SPAN_S - 5, error_rate=1)], "error_rate", 1000.0, 4) == [None] * 4
