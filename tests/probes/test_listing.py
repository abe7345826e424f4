"""Writes that are read back from the service's own list."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probes.catalogue import PAGE, Catalogue, catalogue_system

from muster.base.timeline import Timeline, read_timeline
from muster.probes.ledger.listing import next_of
from muster.probes.ledger.read_back import read_back
from muster.probes.ledger.store import digest


def written(timeline: Path, service: Catalogue, number: int, *, run: str = "r1", told: str = "acknowledged") -> None:
    """So many writes in the store and on the timeline, with other people's things between them."""
    with Timeline(timeline) as target:
        for index in range(number):
            identity = f"muster-{run}-{index}"
            service._create({"name": identity, "text": f"content of {identity}"})
            key = str(list(service.store)[-1])
            service._create({"name": f"somebody's-{index}", "text": "theirs"})
            noted = {"key": key} if told == "acknowledged" else {}
            answered = index + 0.1 if told == "acknowledged" else None
            content = digest(f"content of {identity}")
            target.append(
                "write", id=identity, asked=float(index), answered=answered, outcome=told, digest=content, **noted
            )


def found(timeline: Path) -> dict[str, str]:
    return {event["id"]: event["found"] for event in read_timeline(timeline) if event["kind"] == "readback"}


def singles(service: Catalogue) -> list[str]:
    return [target for method, target in service.requests if method == "GET" and target.count("/") == 2]


@pytest.mark.parametrize("listing", ["cursor", "path", "link"])
def test_many_writes_are_found_by_few_requests(timeline: Path, listing: str) -> None:
    with Catalogue() as service:
        service.listing = listing
        written(timeline, service, 10)
        written(timeline, service, 5, run="r2")
        result = read_back(catalogue_system(listing=listing), service.url, timeline, within_s=5)
    assert set(found(timeline).values()) == {"same"}
    assert dict(result.acknowledged) == {"same": 15}
    assert singles(service) == []
    assert len(service.requests) == -(-10 // PAGE) + -(-5 // PAGE), "each prober's writes are listed apart"


def test_what_the_list_does_not_show_is_looked_for_one_by_one(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 6)
        mine = [key for key, thing in service.store.items() if thing["name"].startswith("muster-")]
        service.unlisted.add(mine[0])
        service.store[mine[1]]["text"] = "something else"
        del service.store[mine[2]]
        read_back(catalogue_system(), service.url, timeline, within_s=5)
    expected = ["same", "altered", "lost", "same", "same", "same"]
    assert found(timeline) == {f"muster-r1-{index}": how for index, how in enumerate(expected)}
    assert set(singles(service)) == {f"/things/{key}" for key in mine[:3]}


def test_what_is_there_twice_is_duplicated_and_what_is_on_two_pages_is_looked_for(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 6)
        service.shifting = True
        read_back(catalogue_system(), service.url, timeline, within_s=5)
        assert not service.shifting, "the pages must have shifted"
        assert set(found(timeline).values()) == {"same"}
        assert len(singles(service)) == 1, "what stands on two pages may be there twice"
        twice = next(thing for thing in service.store.values() if thing["name"] == "muster-r1-3")
        service._create({"name": twice["name"], "text": twice["text"]})
        result = read_back(catalogue_system(), service.url, timeline, within_s=5)
    assert result.duplicated == ["muster-r1-3"]


def test_a_write_whose_key_nobody_told_is_found_by_its_content(timeline: Path) -> None:
    with Catalogue() as service:
        written(timeline, service, 3, told="indeterminate")
        gone = next(key for key, thing in service.store.items() if thing["name"] == "muster-r1-1")
        del service.store[gone]
        result = read_back(catalogue_system(), service.url, timeline, within_s=5)
        without_list = read_back(catalogue_system(listing=None), service.url, timeline, within_s=5)
    assert dict(result.indeterminate) == {"same": 2, "lost": 1}
    assert dict(without_list.indeterminate) == {"unread": 3}
    assert result.lost == []


@pytest.mark.parametrize("trouble", ["circle", "no list"])
def test_a_list_that_cannot_be_read_leaves_every_write_to_be_looked_for(timeline: Path, trouble: str) -> None:
    system = catalogue_system()
    with Catalogue() as service:
        written(timeline, service, 3)
        if trouble == "circle":
            service.circle = True
        else:
            lists = system.ledger.list.model_copy(update={"items": "elsewhere"})  # type: ignore[union-attr]
            system = system.model_copy(update={"ledger": system.ledger.model_copy(update={"list": lists})})
        result = read_back(system, service.url, timeline, within_s=5)
    assert dict(result.acknowledged) == {"same": 3}
    assert len(singles(service)) == 3


@pytest.mark.parametrize(
    ("value", "leads_to"),
    [
        ('</items?page=2>; rel="next"', "/items?page=2"),
        ('</a>; rel=prev, </b,c>; title="x, y"; rel="last NEXT"', "/b,c"),
        ("</a>;REL=next", "/a"),
        ('</a>; title="rel=next"', None),
        ('</a>; rel="prev"; rel="next"', None),  # only the first relation counts (RFC 8288)
        ("", None),
    ],
)
def test_the_next_page_in_a_link(value: str, leads_to: str | None) -> None:
    assert next_of(((b"x", b"</x>; rel=next"), (b"LINK", value.encode())), "Link") == leads_to


def test_any_other_header_leads_on_by_its_value() -> None:
    assert next_of(((b"x-next-page", b" 2 "),), "X-Next-Page") == "2"
    assert next_of(((b"x-next-page", b""),), "X-Next-Page") is None
