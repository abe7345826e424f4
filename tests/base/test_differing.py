"""What differs between two texts is said in few words, and nothing is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.differing import LONGEST, differences, in_short

BEFORE = "rate: 100      # requests/s\nburst: 0.5\nlimit: 1\n"
LINES = st.lists(st.sampled_from(["rate: 1", "rate: 2", "burst: 1", "", "  inner = 3", "# note", "\t"]), max_size=6)
TEXTS = st.one_of(st.text(max_size=30), LINES.map("\n".join))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (BEFORE, []),
        (BEFORE.replace("burst: 0.5", "burst: fast"), ["line 2: burst: 0.5 -> fast"]),
        (BEFORE.replace("rate: 100 ", "rate: 150 "), ["line 1: rate: 100 # requests/s -> 150 # requests/s"]),
        (BEFORE.replace("limit: 1", "limits: 1"), ["line 3: limit: 1 -> limits: 1"]),
        (BEFORE + "hide: 1\n", ["line 4 added: hide: 1"]),
        (BEFORE.replace("burst: 0.5\n", ""), ["line 2 removed: burst: 0.5"]),
        (BEFORE.replace("\n", "\r\n"), ["line ends"]),
        (BEFORE.rstrip("\n"), ["line ends"]),
    ],
)
def test_each_kind_of_change(after: str, said: list[str]) -> None:
    assert differences(BEFORE, after) == said


def test_lines_keep_their_numbers_below_an_added_one() -> None:
    assert differences("a: 1\nb: 2\nc: 3\n", "new: 0\na: 1\nb: 2\nc: 4\n") == [
        "line 1 added: new: 0",
        "line 4: c: 3 -> 4",
    ]


def test_a_long_line_is_cut() -> None:
    (said,) = differences("", "x" * 1000)
    assert said == f"line 1 added: {'x' * (LONGEST - 3)}..."


@given(TEXTS, TEXTS)
def test_something_is_said_just_where_something_differs(old: str, new: str) -> None:
    said = differences(old, new)
    assert bool(said) == (old != new)
    assert all("\n" not in line for line in said)


def test_many_changes_are_counted() -> None:
    assert in_short(["a", "b", "c", "d", "e"]) == "a; b; c and 2 more"
    assert in_short(["a", "b", "c"]) == "a; b; c"
