"""What the prober wrote is removed afterwards, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probes.catalogue import Catalogue, catalogue_system
from tests.probes.service import unused_port
from tests.probes.test_listing import written

from muster.base.timeline import Timeline, read_timeline
from muster.probes.ledger.cleaning import clean_up
from muster.probes.ledger.read_back import read_back
from muster.probes.ledger.store import digest


def told(timeline: Path) -> list[tuple[int, int, str]]:
    events = [event for event in read_timeline(timeline) if event["kind"] == "cleaned"]
    return [(event["removed"], event["left"], event["why"]) for event in events]


def names(service: Catalogue) -> list[str]:
    return sorted(thing["name"] for thing in service.store.values())


def test_the_ledgers_writes_are_removed_and_other_peoples_are_not(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 5)
        service._create({"name": "muster-other-1", "text": "of another run"})
        read_back(catalogue_system(), service.url, timeline, within_s=5)
        clean_up(catalogue_system(), service.url, timeline)
        assert names(service) == ["muster-other-1", *(f"somebody's-{index}" for index in range(5))]
    assert told(timeline) == [(5, 0, "")]


def test_nothing_is_removed_where_system_yaml_says_no_way_to(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 2)
        assert clean_up(catalogue_system(delete=False), service.url, timeline) is None
        assert len(service.store) == 4
    assert told(timeline) == []


def test_a_services_id_that_holds_something_else_is_not_removed(timeline: Path) -> None:
    """A service that answered with the id of somebody else's document must not cost them that."""
    with Catalogue() as service:
        written(timeline, service, 2)
        theirs = next(key for key, thing in service.store.items() if thing["name"] == "somebody's-0")
        with Timeline(timeline) as target:
            fields = {"asked": 9.0, "answered": 9.1, "outcome": "acknowledged", "digest": digest("ours")}
            target.append("write", id="muster-r1-9", key=theirs, **fields)
        read_back(catalogue_system(), service.url, timeline, within_s=1)
        clean_up(catalogue_system(), service.url, timeline)
        assert names(service) == ["somebody's-0", "somebody's-1"]
    [(removed, left, why)] = told(timeline)
    assert (removed, left) == (2, 1)
    assert why == f"muster-r1-9 was not found as it was written under the service's id {theirs}"


def test_what_was_never_looked_for_by_the_services_ids_is_left(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 2)
        clean_up(catalogue_system(), service.url, timeline)
        assert len(service.store) == 4
    assert told(timeline)[0][:2] == (0, 2)


def test_what_is_gone_already_is_not_left(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 3)
        read_back(catalogue_system(), service.url, timeline, within_s=5)
        service.store.clear()
        clean_up(catalogue_system(), service.url, timeline)
    assert told(timeline) == [(3, 0, "")]


@pytest.mark.parametrize("status", [500, 403])
def test_what_cannot_be_removed_is_told_with_why(timeline: Path, status: int) -> None:
    with Catalogue() as service:
        written(timeline, service, 3)
        read_back(catalogue_system(), service.url, timeline, within_s=5)
        service.delete_status = status
        clean_up(catalogue_system(), service.url, timeline)
    [(removed, left, why)] = told(timeline)
    assert (removed, left) == (0, 3)
    assert why.startswith("muster-r1-")
    assert str(status) in why


@pytest.mark.parametrize(("url", "said"), [("http://127.0.0.1:{port}", "refused"), ("gopher://x", "URL")])
def test_a_service_that_is_gone_makes_no_error(timeline: Path, url: str, said: str) -> None:
    url = url.format(port=unused_port())
    with Catalogue() as service:
        written(timeline, service, 3)
        read_back(catalogue_system(), service.url, timeline, within_s=5)
    clean_up(catalogue_system(), url, timeline, within_s=0.5)
    [(removed, left, why)] = told(timeline)
    assert (removed, left) == (0, 3)
    assert said in why


def test_no_more_is_asked_than_rate_and_time_allow(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 20)
        read_back(catalogue_system(), service.url, timeline, within_s=5)
        service.requests.clear()
        service.delay = 0.35
        clean_up(catalogue_system(), service.url, timeline, within_s=0.1, rate=100)
        asked = len(service.requests)
    [(removed, left, why)] = told(timeline)
    assert removed + left == 20
    assert left > 0, "eight at once, a third of a second each, do not get through twenty in 0.3 s"
    assert asked < 20
    assert "no time" in why


def test_what_was_removed_is_not_looked_for_again(timeline: Path) -> None:
    """A second judgement must not take for lost what the first one removed."""
    with Catalogue() as service:
        written(timeline, service, 3)
        read_back(catalogue_system(), service.url, timeline, within_s=5)
        clean_up(catalogue_system(), service.url, timeline)
        written(timeline, service, 1, run="r2")
        again = read_back(catalogue_system(), service.url, timeline, within_s=5)
    assert dict(again.acknowledged) == {"same": 1}
