"""What comes after what in PostgreSQL's write-ahead log, and what is missing between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.backup.segments import Line, Position, is_continuous, position, to_ship

from .made import name


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 16), st.sampled_from([1 << 20, 16 << 20, 1 << 30]))
def test_a_name_has_one_position(number: int, timeline: int, size: int) -> None:
    parts = (1 << 32) // size
    number %= parts << 24
    made = f"{timeline:08X}{number // parts:08X}{number % parts:08X}"
    assert (position(made, size).number, position(made, size).timeline) == (number, timeline)


def test_the_last_segment_of_4_gib_is_followed_by_the_first_of_the_next() -> None:
    assert is_continuous([position("0000000100000000000000FF").number, position("000000010000000100000000").number])


@given(st.integers(1, 600), st.integers(0, 20), st.integers(0, 20))
def test_all_that_is_whole_and_was_not_shipped_is_shipped_once_in_its_order(last: int, fresh: int, older: int) -> None:
    present = [name(number) for number in range(max(last - older, 0), last + fresh + 2)]
    names, gap = to_ship(reversed(present), name(last + fresh + 1), [name(last)])
    assert names == [name(number) for number in range(last + 1, last + fresh + 1)]
    assert not gap


def test_what_is_being_written_and_what_is_kept_for_later_is_not_shipped() -> None:
    present = [name(4), name(5), name(6), "archive_status", "00000002.history", f"{name(3)}.partial"]
    assert to_ship(present, name(5), [name(3)]) == ([name(4)], False)


def test_what_was_gone_before_it_was_shipped_is_a_gap() -> None:
    assert to_ship([name(7), name(8)], name(9), [name(4)]) == ([name(7), name(8)], True)
    assert to_ship([], name(9), [name(4)]) == ([], True)
    assert to_ship([], name(5), [name(4)]) == ([], False)


def test_nothing_shipped_yet_is_no_gap() -> None:
    assert to_ship([name(7), name(8)], name(9), []) == ([name(7), name(8)], False)


@pytest.mark.parametrize("last", [4, 5])
def test_after_a_promotion_the_new_timeline_goes_on_where_the_old_one_was_left(last: int) -> None:
    """Segment 5 was being written when the primary was lost: its end is only in the new timeline's segment 5."""
    present = [name(4), name(5), name(5, 2), name(6, 2)]
    assert to_ship(present, name(7, 2), [name(last)]) == ([name(5, 2), name(6, 2)], False)


def test_what_the_old_timeline_had_before_the_promotion_is_shipped_first() -> None:
    present = [name(4), name(5), name(6, 2)]
    assert to_ship(present, name(7, 2), [name(3)]) == ([name(4), name(5), name(6, 2)], False)


def test_after_a_restore_to_an_earlier_moment_the_new_way_is_shipped_from_where_it_begins() -> None:
    shipped = [name(4), name(5), name(6), name(7)]
    assert to_ship([name(5, 2), name(6, 2)], name(7, 2), shipped) == ([name(5, 2), name(6, 2)], False)
    shipped += [name(5, 2), name(6, 2)]
    assert to_ship([name(5, 2), name(6, 2), name(7, 2)], name(8, 2), shipped) == ([name(7, 2)], False)


def test_a_timeline_goes_back_along_those_before_it() -> None:
    line = Line.of(3, "1\t0/5000028\tno recovery target specified\n\n2\t0/7000000\tbefore x\n", 16 << 20)
    assert line.ends == ((1, 5), (2, 7), (3, None))
    held = {
        (timeline, number) for timeline in (1, 2, 3) for number in range(10) if line.holds(Position(number, timeline))
    }
    assert held == {(1, n) for n in range(6)} | {(2, n) for n in (5, 6, 7)} | {(3, n) for n in (7, 8, 9)}
