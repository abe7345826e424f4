"""How many rows a table may have had when a base was taken, by what was counted before and after."""

from __future__ import annotations

import random

import pytest

from muster.backup.taking import between


def test_where_nothing_went_it_lies_between_both_counts() -> None:
    assert between(({"a": 3, "b": 7}, {"a": 0, "b": 9}), ({"a": 5, "b": 7}, {"a": 0, "b": 9})) == {
        "a": (3, 5),
        "b": (7, 7),
    }


def test_a_table_that_came_or_went_is_not_demanded() -> None:
    assert between(({"a": 1, "gone": 2}, {}), ({"a": 1, "new": 3}, {})) == {"a": (1, 1)}


def test_what_was_not_counted_says_nothing() -> None:
    assert between(None, ({}, {})) is None
    assert between(({}, {}), None) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_queue_is_within_at_every_moment(seed: int) -> None:
    """Rows come and go; what went in the last second of either count is not told yet."""
    chance = random.Random(seed)
    rows, deleted, course = 14, 100, list[tuple[int, int]]()
    for _ in range(400):
        if chance.random() < 0.5:
            rows += 1
        elif rows:
            rows, deleted = rows - 1, deleted + 1
        course.append((rows, deleted))
    late = 30  # changes that the statistics lag behind
    before, after = course[late], course[-1]
    found = between(({"q": before[0]}, {"q": course[0][1]}), ({"q": after[0]}, {"q": course[-1 - late][1]}))
    assert found is not None
    least, most = found["q"]
    assert all(least <= rows <= most for rows, _ in course[late:])
