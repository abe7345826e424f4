"""Incidents are kept as they were told, whoever tells at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.incidents import Book, IncidentError
from muster.incidents.telling import Note, tell


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book.open("store.sqlite", tmp_path, create=True) as opened:
        yield opened


def begin(book: Book, **said: str) -> str:
    given = {"system": "shop", "cluster": "c", "severity": "P2", "title": "orders hang", **said}
    return book.begin(**given)[0].id  # type: ignore[arg-type]


def test_an_incident_goes_its_way(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "kim")
    monkeypatch.delenv("CI", raising=False)
    identity = begin(book)
    assert book.find("latest").state == "open"
    assert book.acknowledge(identity)[1]
    assert not book.acknowledge(identity)[1], "the second is told that somebody has it"
    assert (book.find(identity).state, book.find(identity).technical) == ("acknowledged", "kim")
    book.assign(identity, "commander", "Sam")
    book.grade(identity, "P1", "all clients now")
    book.note(identity, "looked at the queue", data={"depth": 7})
    resolved = book.resolve(identity, "restarted")
    assert (resolved.state, resolved.severity, resolved.commander) == ("resolved", "P1", "Sam")
    said = [(entry.kind, entry.text) for entry in book.entries(identity)]
    assert said == [
        ("opened", "P2: orders hang"),
        ("acknowledged", "taken up by kim"),
        ("role", "commander: Sam"),
        ("severity", "P2 becomes P1: all clients now"),
        ("note", "looked at the queue"),
        ("resolved", "resolved: restarted"),
    ]
    assert book.entries(identity)[4].data == {"depth": 7}


def test_what_is_resolved_stays_so(book: Book) -> None:
    identity = begin(book)
    assert book.resolve(identity, "it went away").acknowledged, "whoever mended it had taken it up"
    with pytest.raises(IncidentError, match=r"was resolved at .*"):
        book.acknowledge(identity)
    with pytest.raises(IncidentError, match="was resolved"):
        book.resolve(identity, "again")
    book.note(identity, "found the reason")  # what is learnt afterwards belongs to it


def test_the_same_cause_is_the_same_incident_until_it_is_resolved(book: Book) -> None:
    first = begin(book, cause="Service/api")
    assert begin(book, cause="Service/api") == first
    assert [entry.kind for entry in book.entries(first)] == ["opened", "note"]
    assert begin(book, cause="Service/api", cluster="another") != first
    assert begin(book) != begin(book), "without a cause nobody knows"
    book.resolve(first, "mended")
    assert begin(book, cause="Service/api") != first


def test_what_does_not_exist_is_said(book: Book) -> None:
    with pytest.raises(IncidentError, match=r"no incident 'x'; right would be one of: muster incident list --all"):
        book.find("x")
    with pytest.raises(UsageError, match="severity 'P9' is not known"):
        begin(book, severity="P9")
    with pytest.raises(IncidentError, match=r"cannot have begun at 2999-01-01T00:00:00Z, after it was detected at "):
        begin(book, began="2999-01-01T00:00:00Z")
    identity = begin(book)
    with pytest.raises(IncidentError, match="'queen' is no role"):
        book.assign(identity, "queen", "Kim")
    with pytest.raises(IncidentError, match="'rumour' is no kind of entry"):
        book.note(identity, "x", kind="rumour")


def test_many_at_once_lose_nothing_and_share_no_id(tmp_path: Path) -> None:
    Book.open("store.sqlite", tmp_path, create=True).close()
    found: list[str] = []

    def work() -> None:
        with Book.open("store.sqlite", tmp_path) as book:
            for _ in range(5):
                identity = begin(book)
                book.note(identity, "x")
                found.append(identity)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Book.open("store.sqlite", tmp_path) as book:
        assert sorted(found) == sorted(one.id for one in book.incidents())
        assert len(set(found)) == 20
        assert all(len(book.entries(identity)) == 2 for identity in found)


def test_whoever_does_something_tells_the_open_ones_of_its_system_there(book: Book, tmp_path: Path) -> None:
    own, other, elsewhere, over = begin(book), begin(book, system="billing"), begin(book, cluster="k"), begin(book)
    book.resolve(over, "mended")
    asked: list[int] = []

    def data() -> dict[str, str]:
        asked.append(1)
        return {"procedure": "promote-standby"}

    note = Note("shop", "c", "recovery", "promote-standby: done", data)
    assert tell("store.sqlite", tmp_path, note) == []
    assert [entry.kind for entry in book.entries(own)] == ["opened", "recovery"]
    assert [len(book.entries(one)) for one in (other, elsewhere, over)] == [1, 1, 2]
    book.resolve(own, "mended")
    assert tell("store.sqlite", tmp_path, note) == []
    assert asked == [1], "nothing is kept where nobody is to be told"
    assert tell("no-such.sqlite", tmp_path, note) == [], "nobody ever opened one"
    (tmp_path / "broken.sqlite").write_text("no database at all, and that for long enough to be none" * 30)
    (trouble,) = tell("broken.sqlite", tmp_path, note)
    assert trouble.startswith("the open incident was not told of it: history ")
