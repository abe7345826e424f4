"""What is done of an incident is told to people: in the same transaction, once, and noted when it has arrived."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.notices.telling import Scripted, scripted

from muster.base.clock import utc
from muster.incidents import Book, IncidentError
from muster.incidents.notices import key_of
from muster.incidents.telling import note_settled
from muster.notices import Outbox, deliver
from muster.store import HistoryError


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book.open("store.sqlite", tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def ops(book: Book, tmp_path: Path) -> Scripted:
    channel = Scripted("ops")
    book.post = scripted(tmp_path, channel)
    return channel


def sent(book: Book, tmp_path: Path) -> None:
    assert book.post is not None
    with Outbox.open("store.sqlite", tmp_path) as outbox:
        deliver(outbox, book.post, within_s=20, settled=note_settled)


def begin(book: Book, severity: str = "P2", **said: str | None) -> str:
    given = {"system": "shop", "cluster": "c", "title": "orders hang", **said}
    return book.begin(severity=severity, **given)[0].id  # type: ignore[arg-type]


def noted(book: Book, identity: str, kind: str = "notice") -> list[str]:
    return [entry.text for entry in book.entries(identity) if entry.kind == kind]


def test_what_arrived_is_noted_and_what_was_told_before_is_not_told_again(
    book: Book, ops: Scripted, tmp_path: Path
) -> None:
    identity = begin(book, cause="Service/api")
    assert begin(book, cause="Service/api") == identity
    book.acknowledge(identity)
    book.acknowledge(identity)
    sent(book, tmp_path)
    book.resolve(identity, "put back")
    sent(book, tmp_path)
    assert [message.state for message in ops.taken] == ["trigger", "acknowledge", "resolve"]
    assert {message.key for message in ops.taken} == {key_of(book.find(identity))}
    assert "put back" in ops.taken[-1].body
    assert noted(book, identity) == [f"ops was told: {message.subject}" for message in ops.taken]


def test_who_is_asked_is_asked_once_and_by_name(book: Book, ops: Scripted, tmp_path: Path) -> None:
    identity, elsewhere = begin(book, "P1"), begin(book, "P1", system="billing")
    now = utc()
    assert book.escalate(now, system="shop") == []
    asked = book.escalate(now + timedelta(seconds=301), system="shop")
    assert [(incident.id, step.key, step.role) for incident, step in asked] == [
        (identity, "unacknowledged", "commander")
    ]
    assert book.escalate(now + timedelta(seconds=302), system="shop") == []
    later = book.escalate(now + timedelta(hours=2), system="shop")
    assert [step.key for _, step in later] == ["still unacknowledged", "RTO", "MTTR"]
    assert len(noted(book, identity, "escalated")) == 4
    assert noted(book, elsewhere, "escalated") == []
    sent(book, tmp_path)
    assert ops.taken[0].subject.endswith("notices of shop, the gravest P1"), "five at once are one message"
    assert len(noted(book, identity)) == 5
    book.resolve(identity, "over")
    assert book.escalate(now + timedelta(days=9), system="shop") == []


def test_without_a_post_incidents_are_kept_and_nobody_is_told(book: Book, tmp_path: Path) -> None:
    identity = begin(book)
    assert len(book.escalate(utc() + timedelta(minutes=45))) == 1
    with Outbox.open("store.sqlite", tmp_path) as outbox:
        assert outbox.notices() == []
    assert noted(book, identity) == []


def test_that_nobody_takes_it_is_on_record(book: Book, tmp_path: Path) -> None:
    book.post = scripted(tmp_path, Scripted("ops"), ops={"severities": ["P1"]})
    assert noted(book, begin(book)) == ["nobody is told: no channel takes a P2"]


def test_an_incident_of_a_drill_tells_nobody_who_did_not_ask_for_it(book: Book, ops: Scripted, tmp_path: Path) -> None:
    identity = begin(book, drill="db_failure")
    book.resolve(identity, "rehearsed")
    sent(book, tmp_path)
    assert ops.taken == []
    assert noted(book, identity) == [], "and that is no want"


def test_nothing_is_told_of_what_was_not_done(book: Book, ops: Scripted, tmp_path: Path) -> None:
    identity = begin(book)
    sent(book, tmp_path)
    with book._writing() as connection:
        connection.exec_driver_sql("alter table muster_deliveries rename to gone")
    with pytest.raises(HistoryError, match="no such table"):
        book.resolve(identity, "put back")
    assert book.find(identity).state == "open", "neither is done by half"
    with book._writing() as connection:
        connection.exec_driver_sql("alter table gone rename to muster_deliveries")
    book.resolve(identity, "put back")
    with pytest.raises(IncidentError):
        book.resolve(identity, "again")
    sent(book, tmp_path)
    assert [message.state for message in ops.taken] == ["trigger", "resolve"]


def test_what_could_not_be_told_is_on_record(book: Book, ops: Scripted, tmp_path: Path) -> None:
    identity = begin(book)
    ops.refuses = lambda _: True
    sent(book, tmp_path)
    with book._writing() as connection:
        connection.exec_driver_sql("update muster_deliveries set until = '2020-01-01T00:00:00.000Z'")
    sent(book, tmp_path)
    assert noted(book, identity) == ["ops could NOT be told: P2 shop: orders hang (it is down)"]
