"""What may go, and what never does."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from muster.backup import BackupError, expired, plan_restore

from .made import START, base, segment

DAY = 86400


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=12, unique=True),
    st.integers(1, 4),
    st.integers(1, 60),
    st.sets(st.integers(0, 100)),
    st.floats(0, 1),
)
def test_every_moment_of_the_days_that_are_kept_can_still_be_reached(
    days: list[int], least: int, keep: int, verified: set[int], share: float
) -> None:
    bases = [base(day * DAY, day) for day in sorted(days)]
    segments = [segment(number, number * DAY) for number in range(102)]
    now = START + timedelta(days=101)
    names = {f"base-{day * DAY:g}" for day in verified}
    gone = expired(bases, segments, names, days=keep, least=least, at=now)
    left = [one for one in bases if one not in gone.bases]
    left_segments = [one for one in segments if one not in gone.segments]
    assert len(left) >= min(least, len(bases))
    assert [one for one in bases if one.id in names][-1:] == [one for one in left if one.id in names][-1:]
    to = now - timedelta(days=share * keep)
    try:
        before = plan_restore(bases, segments, to)
    except BackupError:
        return  # it could not be reached before either
    assert plan_restore(left, left_segments, to).until == before.until


def test_what_nothing_needs_goes() -> None:
    bases = [base(day * DAY, day) for day in range(10)]
    segments = [segment(number, number * DAY) for number in range(11)]
    gone = expired(bases, segments, set(), days=3, least=1, at=START + timedelta(days=10))
    assert [one.id for one in gone.bases] == [f"base-{day * DAY:g}" for day in range(7)]
    assert len(gone.segments) == 7
