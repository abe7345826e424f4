"""What became of releases is kept once, whoever writes it and however often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.released.made import RETURNED, look, release, rolled_back

from muster.analysis import Action, Latency, Side
from muster.release.record import DatabaseAt
from muster.released import NoReleaseError, Releases
from muster.released.rows import p95


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Releases]:
    with Releases.open("history.sqlite", tmp_path, create=True) as opened:
        yield opened


def test_a_release_is_kept_with_what_happened_and_was_seen(kept: Releases) -> None:
    change = DatabaseAt(migration="migrate", backward_compatible=True, begun=True)
    told = rolled_back(roles={"commander": "Ada"}, database=change, images={"api/api": "shop:5.2"})
    kept.keep(told, "staging", returned=RETURNED, looks=[look(2), look(5, Action.ROLL_BACK)])
    found = kept.find(told.id)
    assert (found.system, found.cluster, found.version, found.stable) == ("shop", "staging", "5.2", "5.1")
    assert (found.state, found.cause, found.ended) == ("rolled back", "trigger", "2026-03-01T12:10:07Z")
    assert (found.phase, found.share) == ("canary", 0.05), "where it was when it had traffic last"
    assert found.roles == {"commander": "Ada"}
    assert found.images == {"api/api": "shop:5.2"}
    assert found.database is not None and found.database["migration"] == "migrate"
    assert found.back_s == 1.42
    assert found.returned == RETURNED.to_json()
    first = kept.events(told.id)[0]
    assert (first.what, first.phase, first.share) == ("canary: shift", "canary", 0.05)
    early, late = kept.looks(told.id)
    assert (early.decision, late.decision, late.triggers[0]["verdict"]) == ("go on", "roll back", "worse")
    assert (early.stable.requests, early.canary.failed) == (1900, 1)
    assert early.stable.p95_s == pytest.approx(0.6)


def test_what_is_told_again_is_kept_once(kept: Releases) -> None:
    for _ in range(3):
        kept.keep(rolled_back(), "staging", returned=RETURNED, looks=[look(2)])
    assert len(kept.releases()) == 1
    assert len(kept.events(rolled_back().id)) == 3
    assert len(kept.looks(rolled_back().id)) == 1


def test_who_takes_a_release_over_writes_the_same_one_and_an_earlier_one_changes_nothing_of_it(kept: Releases) -> None:
    kept.keep(release(), "staging", looks=[look(2)])
    kept.keep(rolled_back(epoch=2, host="elsewhere"), "staging", returned=RETURNED)
    kept.keep(release(state="holding"), "staging", looks=[look(3)])  # the first one, late
    found = kept.find("latest")
    assert (found.state, found.host, found.epoch, found.back_s) == ("rolled back", "elsewhere", 2, 1.42)
    assert len(kept.looks(found.id)) == 2, "what it saw is kept all the same"


def test_what_is_known_of_the_way_back_is_not_forgotten_when_the_release_is_told_again(kept: Releases) -> None:
    kept.keep(rolled_back(), "staging", returned=RETURNED)
    kept.keep(rolled_back(), "staging")
    assert kept.find("latest").back_s == 1.42


def test_releases_are_found_by_system_evidence_and_time(kept: Releases) -> None:
    kept.keep(release(1), "staging")
    kept.keep(release(2, system="other"), "staging")
    kept.keep(release(3, evidence="rehearsal", began="2026-04-01T00:00:00Z"), "embedded")
    assert [one.id[-4:-3] for one in kept.releases()] == ["1", "2", "3"]
    assert [one.system for one in kept.releases(system="other")] == ["other"]
    assert [one.cluster for one in kept.releases(evidence="rehearsal")] == ["embedded"]
    april = datetime(2026, 4, 1, tzinfo=UTC)
    assert len(kept.releases(since=april)) == 1
    assert len(kept.releases(until=april)) == 2


def test_one_that_is_not_on_record_is_told_with_those_that_are(kept: Releases) -> None:
    with pytest.raises(NoReleaseError, match=r"'gone' is on record .the latest are: none"):
        kept.find("gone")
    kept.keep(release(), "staging")
    with pytest.raises(NoReleaseError, match=release().id):
        kept.find("gone")


def test_what_could_not_be_seen_is_kept_as_not_known(kept: Releases) -> None:
    kept.keep(release(), "staging", looks=[look(2, canary=Side(missing={"requests": "silent"}))])
    (found,) = kept.looks(release().id)
    assert (found.canary.requests, found.canary.errors, found.canary.p95_s, found.hurt) == (None, None, None, None)


@pytest.mark.parametrize(
    ("count", "at_most", "seconds"),
    [
        (100, (50, 95, 100), 0.2),
        (100, (95, 99, 100), 0.1),
        (100, (90, 100, 100), 0.15),
        (100, (0, 10, 20), 1.0),  # beyond the largest bound: that is all that is known
        (0, (0, 0, 0), None),
        (float("nan"), (1, 2, 3), None),
    ],
)
def test_p95_is_read_off_a_histogram(count: float, at_most: tuple[float, ...], seconds: float | None) -> None:
    found = p95(Latency(count=count, bounds_s=(0.1, 0.2, 1.0), at_most=at_most))
    assert found == (None if seconds is None else pytest.approx(seconds))
