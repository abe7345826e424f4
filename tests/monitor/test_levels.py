"""When a finding becomes an alert, and when it is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.monitor.levels import GOOD, KEPT, OVER_AFTER, RAISED_AFTER, decided

LEVEL = st.sampled_from([GOOD, "P1", "P2", "P3", "P4"])


def after(levels: list[str], now: str | None = None) -> list[str | None]:
    """The severity after each look."""
    said, seen = [], list[str]()
    for level in levels:
        seen = [*seen, level][-KEPT:]
        now = decided(seen, now)
        said.append(now)
    return said


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ("P1 P1", [None, "P1"]),
        ("P1 - P1 - P1 -", [None] * 6),
        ("P3 P3 P3", [None, None, "P3"]),
        ("P3 P3 P1 P1", [None, None, "P3", "P1"]),
        ("P1 P1 P3 P3 P3", [None, "P1", "P1", "P1", "P3"]),
        ("P1 P1 - - P1 - - -", [None, "P1", "P1", "P1", "P1", "P1", "P1", None]),
        ("P1 P1 - P4 -", [None, "P1", "P1", "P1", "P4"]),
        ("P4 P4 P4 P4 P4", [None, None, None, None, "P4"]),
        ("P2 P1 P2", [None, "P2", "P2"]),
    ],
)
def test_a_level_is_taken_once_it_lasts(levels: str, said: list[str | None]) -> None:
    assert after(levels.split()) == said


@given(st.lists(LEVEL, max_size=40))
def test_nothing_is_raised_that_was_not_seen_for_long_enough_nor_over_that_was_seen_lately(levels: list[str]) -> None:
    before: str | None = None
    for number, now in enumerate(after(levels), 1):
        if now is not None and (before is None or now < before):
            lately = levels[max(number - RAISED_AFTER[now], 0) : number]
            assert len(lately) == RAISED_AFTER[now]
            assert all(level != GOOD and level <= now for level in lately)
        if before is not None and (now is None or now > before):
            lately = levels[number - OVER_AFTER : number]
            assert all(level == GOOD or level > before for level in lately)
            assert (now is None) == (set(lately) == {GOOD})
        before = now


@given(st.lists(st.sampled_from([GOOD, "P1", "P2", "P3"]), min_size=30, max_size=60))
def test_an_alert_changes_no_oftener_than_its_looks_allow(levels: list[str]) -> None:
    raised = [now for before, now in zip([None, *after(levels)], after(levels), strict=False) if before is None and now]
    assert len(raised) <= len(levels) / (min(RAISED_AFTER.values()) + OVER_AFTER) + 1
