"""Who is asked next, and what incidents say over time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.incidents.escalation import ladder, overdue
from muster.incidents.indicators import Indicator, indicators

from .made import START, entry, incident

DAY = 86_400.0


def asked(severity: str, seconds: float, *, entries: tuple[str, ...] = (), **said: float) -> list[tuple[str, str]]:
    noted = [entry("escalated", step=step) for step in entries]
    one = incident(severity, **said)
    return [(step.key, step.role) for step in overdue(one, noted, START + timedelta(seconds=seconds))]


@pytest.mark.parametrize(
    ("severity", "seconds", "steps"),
    [
        ("P1", 299, []),
        ("P1", 300, ["unacknowledged"]),
        ("P1", 600, ["unacknowledged", "still unacknowledged"]),
        ("P1", 900, ["unacknowledged", "still unacknowledged", "RTO"]),
        ("P1", 3600, ["unacknowledged", "still unacknowledged", "RTO", "MTTR"]),
        ("P2", 1799, []),
        ("P2", 1800, ["unacknowledged"]),
        ("P3", 7200, ["unacknowledged"]),
        ("P4", 2 * DAY - 1, ["RTO"]),  # of a Monday, by the end of Tuesday
        ("P4", 2 * DAY, ["RTO", "unacknowledged"]),
    ],
)
def test_who_is_asked_when_nobody_takes_it_up(severity: str, seconds: float, steps: list[str]) -> None:
    assert [key for key, _ in asked(severity, seconds)] == steps


def test_at_the_weekend_the_next_working_day_is_monday() -> None:
    friday = incident("P4", began=4 * DAY + 3600)
    (step,) = [one for one in ladder(friday) if one.key == "unacknowledged"]
    assert step.at == START + timedelta(days=8), "by the end of Monday"


def test_one_that_somebody_has_is_asked_for_when_it_lasts_and_each_step_once() -> None:
    assert asked("P1", 1000, acknowledged=60) == [("RTO", "commander")]
    assert asked("P1", 1000, acknowledged=60, entries=("RTO",)) == []
    assert asked("P1", 90_000, acknowledged=60, resolved=70) == []


def figures(*incidents: object, drills: tuple[str, ...] = (), days: float = 90) -> dict[str, Indicator]:
    found = indicators(incidents, drills, START, START + timedelta(days=days))  # type: ignore[arg-type]
    return {one.name: one for one in found}


def test_figures_of_known_incidents() -> None:
    found = figures(
        incident("P1", began=0, opened=60, acknowledged=120, resolved=1800),
        incident("P2", began=DAY, opened=DAY + 120, acknowledged=DAY + 420, resolved=DAY + 7200),
        incident("P3", began=2 * DAY, acknowledged=2 * DAY + 60),
        incident("P1", began=3 * DAY, resolved=4 * DAY, drill="full_outage"),
    )
    assert found["MTTD"].value == 90
    assert found["MTTD"].of == 2, "one of which it is not told when it began seems to be seen at once"
    assert found["MTTA"].value == (60 + 300 + 60) / 3
    assert (found["MTTR P1"].value, found["MTTR P2"].value) == (1800, 7200)
    down = 1800 + 7200
    assert found["MTBF"].value == (90 * DAY - down) / 2
    assert found["availability"].value == pytest.approx(1 - down / (90 * DAY))
    assert {name: one.verdict for name, one in found.items()} == {
        "MTTD": "met", "MTTA": "met", "MTTR P1": "met", "MTTR P2": "met", "MTBF": "met", "availability": "missed",
        "recovery success": "unknown",
    }  # fmt: skip


def test_nothing_on_record_proves_nothing() -> None:
    assert {one.verdict for one in figures().values()} == {"unknown"}


def test_few_drills_are_not_enough_to_be_sure() -> None:
    assert figures(drills=("met",) * 58)["recovery success"].verdict == "unknown"
    assert figures(drills=("met",) * 59)["recovery success"].verdict == "met"
    assert figures(drills=("met",) * 59 + ("unknown",))["recovery success"].of == 59
    assert figures(drills=("met",) * 9 + ("missed",))["recovery success"].verdict == "missed"


@given(st.lists(st.tuples(st.floats(0, 80 * DAY), st.floats(1, 5 * DAY)), min_size=1, max_size=8))
def test_time_that_two_share_counts_once(spans: list[tuple[float, float]]) -> None:
    incidents = [incident("P1", began=first, resolved=first + lasted) for first, lasted in spans]
    found = figures(*incidents)
    share = found["availability"].value
    assert share is not None
    assert 1 - sum(min(first + lasted, 90 * DAY) - first for first, lasted in spans) / (90 * DAY) <= share + 1e-9
    assert share <= 1 - max(min(first + lasted, 90 * DAY) - first for first, lasted in spans) / (90 * DAY) + 1e-9
    assert figures(*incidents, incidents[0])["availability"].value == pytest.approx(share)
