"""A record that has only just begun claims nothing of the time before it."""

from __future__ import annotations

from datetime import timedelta

from tests.incidents.made import START, incident

from muster.incidents.indicators import indicators, watched_since

DAY = 86_400.0


def figures(days: float) -> dict[str, float | None]:
    until = START + timedelta(days=days)
    found = indicators([incident("P1", began=0, opened=10, resolved=600)], [], START, until)
    return {one.name: one.value for one in found}


def test_it_begins_with_the_first_thing_on_record() -> None:
    long_ago = START - timedelta(days=90)
    assert watched_since(long_ago, [incident(began=60)], []) == START + timedelta(seconds=60)
    assert watched_since(long_ago, [incident(began=60)], [START.isoformat()]) == START
    assert watched_since(START, [], [long_ago.isoformat()]) == START, "no earlier than was asked for"
    assert watched_since(long_ago, [], []) == long_ago


def test_of_a_few_hours_no_share_is_told_and_of_a_few_weeks_no_time_between_failures() -> None:
    assert (figures(0.5)["availability"], figures(0.5)["MTBF"]) == (None, None)
    assert figures(2)["availability"] == 1 - 600 / (2 * DAY)
    assert figures(29)["MTBF"] is None
    assert figures(31)["MTBF"] == 31 * DAY - 600
