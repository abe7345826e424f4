"""The admission limit: its token bucket, whom it does not touch, and how many it refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enhancer.admission import RecentCount, TokenBucket, is_exempt


class Clock:
    """A clock that is set by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_admitted_then_the_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(10, 1, clock)
    assert sum(bucket.take() for _ in range(20)) == 10
    clock.now += 0.5
    assert sum(bucket.take() for _ in range(20)) == 5


def test_rate_zero_is_no_limit() -> None:
    bucket = TokenBucket(0, 1, Clock())
    assert all(bucket.take() for _ in range(10_000))


def test_a_changed_limit_holds_at_once() -> None:
    clock = Clock()
    bucket = TokenBucket(100, 1, clock)
    bucket.set(2, 1)
    assert sum(bucket.take() for _ in range(20)) == 2


@given(
    rate=st.floats(0.1, 1000),
    burst_s=st.floats(0.01, 10),
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_never_more_than_rate_and_burst_allow(rate: float, burst_s: float, gaps: list[float]) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, burst_s, clock)
    admitted = 0
    for gap in gaps:
        clock.now += gap
        admitted += bucket.take()
    assert admitted <= max(1.0, rate * burst_s) + rate * clock.now + 1e-6


@given(gaps=st.lists(st.floats(0, 3), max_size=200), then=st.floats(0, 3))
def test_what_is_counted_is_of_the_last_second_and_its_tenth(gaps: list[float], then: float) -> None:
    clock = Clock()
    count = RecentCount(clock)
    times = []
    for gap in gaps:
        clock.now += gap
        count.add()
        times.append(clock.now)
    clock.now += then
    ages = [clock.now - time for time in times]
    surely = sum(0.1 + 1e-6 < age < 1 - 1e-6 for age in ages)
    perhaps = sum(age < 1.1 + 1e-6 for age in ages)
    assert surely <= count.per_s() <= perhaps


def test_nothing_is_counted_1_1_s_after_the_last() -> None:
    clock = Clock()
    count = RecentCount(clock)
    for _ in range(1000):
        count.add()
        clock.now += 0.001
    clock.now += 0.05
    assert count.per_s() > 900
    clock.now += 1.1
    assert count.per_s() == 0


@pytest.mark.parametrize(
    ("method", "path", "query", "exempt"),
    [
        ("GET", "/status", b"", True),
        ("GET", "/agents", b"", False),
        ("POST", "/agents/release", b"", True),
        ("GET", "/workflows", b"limit=5", False),
        ("GET", "/workflows", b"limit=5&state=stuck", True),
        ("GET", "/workflows", b"state=stuckness", False),
        ("POST", "/workflows", b"state=stuck", False),
        ("POST", "/workflows/w-1/resume", b"", True),
        ("GET", "/workflows/resume", b"", False),
        ("GET", "/workflows/w-1", b"", False),
    ],
)
def test_the_limit_does_not_touch_operators(method: str, path: str, query: bytes, exempt: bool) -> None:
    assert is_exempt({"type": "http", "method": method, "path": path, "query_string": query}) is exempt
