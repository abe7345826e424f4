"""The token bucket of the admission limit."""

from hypothesis import given
from hypothesis import strategies as st

from enhancer.admission import TokenBucket


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
