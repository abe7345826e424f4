"""What a person asks for is understood, or refused with what would be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from muster.base.errors import UsageError
from muster.history.query import Filters, read_moment, stamp

from .history_support import NOW, fact


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-01", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-02-01T12:30", datetime(2026, 2, 1, 12, 30, tzinfo=UTC)),
        ("2026-02-01T12:30+02:00", datetime(2026, 2, 1, 10, 30, tzinfo=UTC)),
        ("36h", NOW - timedelta(hours=36)),
        ("30d", NOW - timedelta(days=30)),
        ("8w", NOW - timedelta(weeks=8)),
        ("1y", NOW - timedelta(days=365)),
    ],
)
def test_a_time_is_a_date_or_so_long_ago(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "", "30", "-3d", "2026-13-01", "9999999999y"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time; right would be 2026-03-01"):
        read_moment(text, NOW)


def test_moments_sort_as_text() -> None:
    moments = [NOW + timedelta(milliseconds=77 * n**3) for n in range(50)]
    assert sorted(map(stamp, reversed(moments))) == list(map(stamp, moments))


def test_the_last_are_those_of_each_drill_in_each_scope() -> None:
    drills = [fact(n, name="a") for n in range(5)] + [fact(5, name="b"), fact(6, name="a", cluster="staging")]
    assert [drill.id for drill in Filters(last=2).sift(drills)] == [3, 4, 5, 6]


def test_a_pattern_names_drills() -> None:
    drills = [fact(1, name="db_failure"), fact(2, name="db_lost"), fact(3, name="pod_crash")]
    assert [drill.id for drill in Filters(drills=("db_*",)).sift(drills)] == [1, 2]
    assert [drill.id for drill in Filters(drills=("db_lost", "pod_crash")).sift(drills)] == [2, 3]
