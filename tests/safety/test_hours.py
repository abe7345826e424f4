"""Allowed hours, by the clocks of their zone: across midnight, and when these are moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from muster.safety.limits.hours import DAYS, Hours, refused_at


def hours(**said: Any) -> Hours:
    return Hours.model_validate({"from": said.pop("begin", "09:00"), "to": said.pop("to", "17:00"), **said})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WORK = hours(days=["mon", "tue", "wed", "thu", "fri"], zone="Europe/Berlin")
NIGHT = hours(days=["fri"], begin="22:00", to="06:00", zone="Europe/Berlin")
EVERY_NIGHT = hours(begin="01:30", to="03:30", zone="Europe/Berlin")
ALL_DAY = hours(days=["sat"], begin="00:00", to="24:00")


@pytest.mark.parametrize(
    ("span", "moment", "allowed"),
    [
        (WORK, "2026-01-05T08:00", True),  # Monday, 09:00 in Berlin
        (WORK, "2026-01-05T07:59", False),
        (WORK, "2026-01-05T15:59", True),
        (WORK, "2026-01-05T16:00", False),
        (WORK, "2026-07-06T07:00", True),  # summer time
        (WORK, "2026-07-06T15:00", False),
        (WORK, "2026-01-04T10:00", False),  # Sunday
        (NIGHT, "2026-01-09T21:00", True),  # Friday, 22:00
        (NIGHT, "2026-01-10T04:59", True),  # Saturday, before 06:00
        (NIGHT, "2026-01-10T05:00", False),
        (NIGHT, "2026-01-09T04:00", False),  # Friday morning belongs to Thursday's night
        (NIGHT, "2026-01-10T21:30", False),
        (EVERY_NIGHT, "2026-03-29T00:45", True),  # 01:45, the night in which 02:00 to 03:00 is left out
        (EVERY_NIGHT, "2026-03-29T01:15", True),  # 03:15
        (EVERY_NIGHT, "2026-03-29T01:30", False),  # 03:30
        (EVERY_NIGHT, "2026-10-25T00:15", True),  # 02:15 for the first time
        (EVERY_NIGHT, "2026-10-25T01:15", True),  # and for the second
        (EVERY_NIGHT, "2026-10-25T02:30", False),
        (ALL_DAY, "2026-01-03T00:00", True),
        (ALL_DAY, "2026-01-03T23:59", True),
        (ALL_DAY, "2026-01-04T00:00", False),
    ],
)
def test_a_moment_is_allowed_or_not(span: Hours, moment: str, allowed: bool) -> None:
    assert span.allow(at(moment)) is allowed


def test_a_refusal_says_what_is_allowed_and_from_when() -> None:
    why = refused_at([WORK, ALL_DAY], at("2026-01-02T20:00"))
    assert why == (
        "drills are allowed mon, tue, wed, thu, fri 09:00 to 17:00 (Europe/Berlin); sat 00:00 to 24:00 (UTC), "
        "next from Sat 2026-01-03 00:00 UTC"
    )
    assert refused_at([], at("2026-01-02T20:00")) is None
    assert refused_at([WORK, ALL_DAY], at("2026-01-03T20:00")) is None


TIMES = st.times().map(lambda time: f"{time:%H:%M}")
SPANS = st.builds(
    lambda days, begin, to, zone: (days, begin, to, zone),
    st.sets(st.sampled_from(DAYS), min_size=1).map(sorted),
    TIMES,
    TIMES,
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]),
).filter(lambda span: span[1] != span[2])


@given(SPANS, st.integers(0, 5 * 365 * 24 * 60))
def test_what_begins_next_is_allowed_and_nothing_before(said: tuple[list[str], str, str, str], minutes: int) -> None:
    span, moment = (
        hours(days=said[0], begin=said[1], to=said[2], zone=said[3]),
        at("2025-01-01") + timedelta(minutes=minutes),
    )
    if span.allow(moment):
        return
    begin = span.begins_after(moment)
    assert moment < begin <= moment + timedelta(days=9)
    # A time that clocks leave out begins when they go on; that is within an hour.
    assert span.allow(begin) or span.allow(begin.astimezone(UTC) + timedelta(hours=1)) or _shorter_than_the_gap(span)
    for part in range(1, 20):
        between = moment + (begin.astimezone(UTC) - moment) * part / 20
        if between < begin.astimezone(UTC) - timedelta(hours=1):
            assert not span.allow(between)


def _shorter_than_the_gap(span: Hours) -> bool:
    begin, to = (one.hour * 60 + one.minute for one in (span.from_, span.to))
    return (to - begin) % 1440 <= 60


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"begin": 540}, 'right would be a time of day such as "09:00", in quotes'),
        ({"begin": "25:00"}, "time of day"),
        ({"to": "09:00"}, "the same time"),
        ({"zone": "Berlin"}, "time zone 'Berlin' is not known; right would be a name such as Europe/Berlin"),
        ({"zone": "../etc/passwd"}, "is not known"),
        ({"days": []}, "at least 1"),
        ({"days": ["someday"]}, "someday|'mon'"),
    ],
)
def test_hours_that_are_none_are_refused(said: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        hours(**said)
