"""What releases say over time: which rollbacks prevented an incident, and how soon they were through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.released.made import RETURNED, release, rolled_back, seen

from muster.released import KeptRelease, LookFacts
from muster.released.indicators import is_prevented, release_indicators
from muster.released.rows import release_of, release_row

QUIET = [seen("canary", 0.05, (1900, 0), (100, 20))]


def kept(told: object, **changed: object) -> KeptRelease:
    return replace(release_of(release_row(told, "staging", RETURNED)), **changed)  # type: ignore[arg-type]


def names(releases: list[KeptRelease], looks: list[LookFacts]) -> dict[str, tuple[float | None, str]]:
    return {one.name: (one.value, one.verdict) for one in release_indicators(releases, lambda _: looks)}


@pytest.mark.parametrize("cause", ["trigger", "check"])
def test_an_incident_is_prevented_where_the_release_was_rolled_back_by_itself(cause: str) -> None:
    assert is_prevented(kept(rolled_back(cause=cause)), QUIET)


@pytest.mark.parametrize("cause", ["", "person", "blind", "outside", "step"])
def test_none_is_where_a_person_decided_or_nothing_was_seen_of_the_new_version(cause: str) -> None:
    assert not is_prevented(kept(rolled_back(cause=cause)), QUIET)


@pytest.mark.parametrize(
    "looks",
    [
        [],
        [seen("canary", 0.05, (1900, 90), (100, 20))],  # 5.5 % of all failed
        [seen("canary", 0.05, None, (100, 20))],  # nobody knows how the old one fared
        [*QUIET, seen("switch", 1.0, None, (1000, 10))],  # everybody had the new version
    ],
)
def test_none_is_where_more_were_hurt_than_had_the_new_version_or_nobody_knows(looks: list[LookFacts]) -> None:
    assert not is_prevented(kept(rolled_back()), looks)


def test_one_that_is_not_rolled_back_to_its_end_prevented_nothing() -> None:
    assert not is_prevented(kept(release(state="rolling back", cause="trigger")), QUIET)


def test_releases_are_counted_and_their_rollbacks_judged() -> None:
    slow = {**RETURNED.to_json(), "verified_s": 31.0}
    releases = [kept(rolled_back(1)), kept(rolled_back(2), returned=slow), kept(release(3, "released"), returned=None)]
    found = names([*releases, kept(release(4), returned=None)], QUIET)
    assert found["releases"] == (4, "unknown")
    assert found["rolled back"][0] == pytest.approx(2 / 3), "of those that have ended"
    assert found["rollback median"][0] == pytest.approx(16.21)
    assert found["rollback worst"] == (31.0, "missed")
    assert found["prevented"][0] == 2


def test_rehearsals_are_told_apart_and_promise_nothing() -> None:
    both = release_indicators([kept(rolled_back()), kept(rolled_back(2, evidence="rehearsal"))], lambda _: QUIET)
    assert len(both) == 10
    rehearsed = [one for one in both if "(rehearsal)" in one.what]
    assert len(rehearsed) == 5
    assert {one.target for one in rehearsed} == {None}


def test_without_a_release_nothing_is_told() -> None:
    assert release_indicators([], lambda _: QUIET) == []
