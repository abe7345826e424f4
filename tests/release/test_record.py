"""The record of a release on a cluster: only who looks after it writes it, and nothing that was asked of it is lost."""

from __future__ import annotations

import json

import pytest

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.release.record import (
    MOST_EVENTS,
    NAME,
    Release,
    ReleaseBook,
    ReleaseRecordError,
    SupersededError,
    ask,
    find_release,
    new_release,
    release_of,
    take_over,
)


@pytest.fixture
def book(cluster: Cluster, namespace: str) -> ReleaseBook:
    return begun(cluster, namespace)


def begun(cluster: Cluster, namespace: str, **fields: object) -> ReleaseBook:
    release = new_release(release="new/", version="2", system="shop", namespace=namespace, **fields)
    book = ReleaseBook(cluster, release)
    book.begin()
    return book


def test_what_is_put_is_what_anybody_reads(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    book.put(state="baking", phase="grow")
    found = find_release(cluster, namespace)
    assert found == book.release
    assert (found.state, found.phase, found.epoch) == ("baking", "grow", 1)


def test_one_that_is_begun_beside_another_is_refused(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    with pytest.raises(RefusedError, match="another release was begun"):
        begun(cluster, namespace)
    ended = book.put(state="released")
    late = new_release(release="old/", version="1", system="shop", namespace=namespace)
    first = new_release(release="new/", version="3", system="shop", namespace=namespace)
    ReleaseBook(cluster, first.model_copy(update={"resource_version": ended.resource_version})).begin()
    with pytest.raises(RefusedError, match="another release was begun"):
        ReleaseBook(cluster, late.model_copy(update={"resource_version": ended.resource_version})).begin()


def test_what_is_asked_between_two_puts_is_not_lost(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    ask(cluster, namespace, "abort", "it smells")
    book.put(state="shifting")
    book.tell("went on")
    heard = book.heard()
    assert heard is not None
    assert (heard.command, heard.why) == ("abort", "it smells")


def test_what_is_asked_while_another_thing_is_taken_as_done_is_not_lost(
    cluster: Cluster, namespace: str, book: ReleaseBook
) -> None:
    ask(cluster, namespace, "pause")
    heard = book.heard()
    ask(cluster, namespace, "abort")
    assert heard is not None and heard.command == "pause"
    book.tell("paused", wanted=None, state="paused")
    again = book.heard()
    assert again is not None and again.command == "abort"
    book.put(wanted=None)
    assert book.heard() is None


def test_who_was_taken_for_dead_writes_nothing_more(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    found = find_release(cluster, namespace)
    assert found is not None
    taken = take_over(cluster, found, state="rolling back")
    for act in (lambda: book.put(state="baking"), lambda: book.tell("goes on"), book.heard):
        with pytest.raises(SupersededError, match=r"taken over: .* looks after it \(rolling back\)"):
            act()
    taken.put(phase="end")
    assert find_release(cluster, namespace) == taken.release


def test_of_two_who_take_over_at_once_one_goes_on(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    seen = book.release
    one, two = take_over(cluster, seen), take_over(cluster, seen)
    assert (one.release.epoch, two.release.epoch) == (2, 3)
    with pytest.raises(SupersededError):
        one.put(state="baking")
    two.put(state="baking")


def test_who_goes_on_hears_what_was_asked_of_nobody(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    ask(cluster, namespace, "abort")
    heard = take_over(cluster, book.release).heard()
    assert heard is not None and heard.command == "abort"


def test_one_that_has_ended_is_not_taken_over(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    seen = book.release
    book.put(state="released")
    with pytest.raises(RefusedError, match="has just ended"):
        take_over(cluster, seen)
    with pytest.raises(RefusedError, match=r"no release is under way .* is released since"):
        ask(cluster, namespace, "pause")


def test_nothing_is_asked_of_no_release(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(RefusedError, match="none was begun"):
        ask(cluster, namespace, "pause")
    assert find_release(cluster, namespace) is None


def test_whose_record_is_gone_does_nothing_more(cluster: Cluster, namespace: str, book: ReleaseBook) -> None:
    cluster.delete("ConfigMap", NAME, namespace)
    with pytest.raises(SupersededError, match="its record is gone"):
        book.put(state="baking")
    assert cluster.find("ConfigMap", NAME, namespace) is None


def test_the_oldest_of_very_many_events_are_forgotten() -> None:
    release = new_release(release="new/", version="2", system="shop", namespace="shop")
    for number in range(2 * MOST_EVENTS):
        release = release.with_event(f"thing {number}\nof two lines")
    assert [one.what for one in release.events][-1] == f"thing {2 * MOST_EVENTS - 1} of two lines"
    assert len(release.events) == MOST_EVENTS


def test_what_a_newer_one_knows_besides_is_no_trouble() -> None:
    release = new_release(release="new/", version="2", system="shop", namespace="shop")
    content = {"schema": "muster/release-state/v1", **release.model_dump(mode="json"), "of_tomorrow": 1}
    assert release_of(held(content)) == release.model_copy(update={"resource_version": "7"})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{", '{"schema": "muster/release-state/v2"}', "null", "[" * 100_000, '{"schema": 1}']
)
def test_a_record_that_cannot_be_understood_is_said_in_one_line(text: str) -> None:
    with pytest.raises(ReleaseRecordError) as raised:
        release_of({"metadata": {}, "data": {"release.json": text}})
    assert "\n" not in str(raised.value)
    assert NAME in str(raised.value)


def held(content: dict[str, object]) -> dict[str, object]:
    return {"metadata": {"resourceVersion": "7"}, "data": {"release.json": json.dumps(content)}}


def test_over_is_what_has_ended() -> None:
    release: Release = new_release(release="new/", version="2", system="shop", namespace="shop")
    assert not release.is_over
    assert not release.model_copy(update={"state": "frozen"}).is_over
    assert release.model_copy(update={"state": "failed"}).is_over
