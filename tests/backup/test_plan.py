"""Which backup and which of the archive lead to a moment, and what is said where nothing does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.backup import BackupError, Segment, plan_restore
from muster.backup.segments import position
from muster.backup.store import moment

from .made import START, at, base, history, name, segment


def test_the_latest_moment_is_that_of_the_last_segment_that_follows_without_a_gap() -> None:
    plan = plan_restore([base(10, 3)], [segment(3, 20), segment(4, 30), segment(6, 50)], None)
    assert (plan.until, plan.target) == (at(30), None)
    assert [one.name for one in plan.segments] == [name(3), name(4)]


def test_without_an_archive_a_base_leads_to_its_own_end() -> None:
    assert plan_restore([base(10, 3)], [], None).until == at(10)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True), st.floats(0, 125))
def test_the_base_is_the_newest_that_was_ended_by_then(ends: list[int], seconds: float) -> None:
    bases = [base(end, end) for end in ends]
    segments = [segment(number, number) for number in range(130)]
    to = START + timedelta(seconds=seconds)
    possible = [end for end in ends if START + timedelta(seconds=end) <= to]
    if not possible:
        with pytest.raises(BackupError, match="nothing leads back to that moment"):
            plan_restore(sorted(bases, key=lambda one: moment(one.ended)), segments, to)
        return
    plan = plan_restore(bases, segments, to)
    assert plan.base.id == f"base-{max(possible):g}"
    # Whatever was committed by then is in what is used, and not a segment more.
    assert moment(plan.segments[-1].until) >= to
    assert all(moment(one.until) < to for one in plan.segments[:-1])


def test_a_moment_that_the_archive_does_not_reach_is_refused_with_the_one_that_it_does() -> None:
    with pytest.raises(BackupError, match=rf"leads to {at(30)}, not to {at(40)}: .* right would be --to {at(30)}"):
        plan_restore([base(10, 3)], [segment(3, 20), segment(4, 30)], START + timedelta(seconds=40))


def test_a_gap_ends_what_leads_on_and_a_base_behind_it_begins_anew() -> None:
    segments = [segment(3, 20), segment(6, 50, gap=True), segment(7, 60)]
    with pytest.raises(BackupError, match=f"leads to {at(20)}"):
        plan_restore([base(10, 3)], segments, START + timedelta(seconds=55))
    assert plan_restore([base(10, 3), base(52, 7)], segments, START + timedelta(seconds=55)).base.id == "base-52"


def test_segments_that_the_base_holds_itself_need_not_be_in_the_archive() -> None:
    assert plan_restore([base(10, 3, last=5)], [segment(6, 20)], None).until == at(20)


def test_another_database_of_the_same_name_does_not_follow() -> None:
    assert plan_restore([base(10, 3)], [segment(4, 20, system="8")], None).until == at(10)


def test_no_backup_at_all_says_how_to_take_one() -> None:
    with pytest.raises(BackupError, match="there is no backup; take one with 'muster backup'"):
        plan_restore([], [], None)


def forked() -> list[Segment]:
    """A database that was restored, at 40, to 25, and has gone another way since."""
    return [
        segment(3, 20),
        segment(4, 30),
        segment(5, 40),
        history(2, "1\t0/4800000\tbefore 25"),
        segment(4, 45, timeline=2),
        segment(5, 50, timeline=2),
    ]


@pytest.mark.parametrize(
    ("to", "timeline", "last"),
    [
        (15, 1, name(3)),
        (28, 1, name(4)),
        (38, 1, name(5)),
        (43, 2, name(4, 2)),
        (48, 2, name(5, 2)),
        (None, 2, name(5, 2)),
    ],
)
def test_the_way_that_was_gone_at_that_moment_is_followed(to: float | None, timeline: int, last: str) -> None:
    plan = plan_restore([base(10, 3)], forked(), None if to is None else START + timedelta(seconds=to))
    assert (plan.timeline, plan.segments[-1].name) == (timeline, last)
    numbers = [position(one.name).number for one in plan.segments if len(one.name) == 24]
    assert numbers == sorted(numbers)
    if timeline == 2:
        assert name(5) not in {one.name for one in plan.segments}
        assert plan.segments[0].name == "00000002.history"


def test_a_base_of_a_way_that_was_left_leads_nowhere_on_another() -> None:
    plan = plan_restore([base(10, 3), base(38, 5)], forked(), None)
    assert (plan.base.id, plan.timeline) == ("base-10", 2)
