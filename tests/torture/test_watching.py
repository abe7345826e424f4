"""What is lost of the monitor's alerts, or told again, is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torture.watching import COUNT, Outcome, _differences, draw

WHOLE = Outcome(
    changes=(("web", "P1", None, "x"), ("web", None, "P1", "x")),
    incidents=(("P1", "x", "Pod/web", None),),
    entries=(("Pod/web", "opened", "P1: x"), ("Pod/web", "alert", "P1 x")),
    notices=(("monitor/web", "trigger", "", "P3", 1),),
    held=(("web", "P1", 1, False),),
)


def test_what_is_the_same_differs_in_nothing() -> None:
    assert list(_differences(WHOLE, WHOLE)) == []


@pytest.mark.parametrize("what", ["changes", "incidents", "entries", "notices", "held"])
def test_what_is_lost_and_what_is_told_again_is_named(what: str) -> None:
    there = getattr(WHOLE, what)
    (lost,) = _differences(WHOLE, replace(WHOLE, **{what: there[1:]}))
    assert lost.startswith(f"{what}: lost [{there[0]!r}]")
    (again,) = _differences(WHOLE, replace(WHOLE, **{what: (*there, there[0])}))
    assert again.startswith(f"{what}: lost none, more than was to be [{there[0]!r}")


def test_an_alert_that_began_twice_is_told_again() -> None:
    assert list(_differences(WHOLE, replace(WHOLE, held=(("web", "P1", 2, False),))))


def test_moments_are_spread_over_the_whole_story() -> None:
    shares = sorted(case.share for case in draw([], COUNT, 3))
    assert [int(share * COUNT) for share in shares] == list(range(COUNT))
