"""What people type is kept on one line, and no terminal, page or Markdown obeys anything of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.incidents.made import entry, incident

from muster.base.texts import one_line
from muster.incidents import Book
from muster.incidents.incident import IncidentError
from muster.incidents.review import review

WILD = "orders \x1b[2J\x1b]0;owned\x07 hang\r\nfor\u202eall | <script>alert(1)</script> [a](javascript:x) `b` *c*"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.open("book.sqlite", tmp_path, create=True)


def opened(book: Book, title: str = "it hurts") -> str:
    return book.begin(system="shop", cluster="c", severity="P2", title=title)[0].id


@given(st.text())
def test_a_line_holds_nothing_that_cannot_be_seen(text: str) -> None:
    line = one_line(text)
    assert line == line.strip()
    assert line.isprintable()
    assert one_line(line) == line


def test_a_title_is_kept_without_what_a_terminal_would_obey(book: Book) -> None:
    title = book.find(opened(book, WILD)).title
    assert title.isprintable()
    assert title.startswith("orders [2J ]0;owned hang for all | <script>")


def test_a_review_shows_markup_and_obeys_none_of_it() -> None:
    text = review(incident(title=WILD, commander="<b>Sam</b> | x"), [entry("note", WILD)], [])
    assert "<script>" not in text
    assert "<b>" not in text
    assert "[a](" not in text
    lines = text.splitlines()
    assert all(line.isprintable() for line in lines)
    assert "| commander | &lt;b\\>Sam&lt;/b\\> \\| x |" in lines


@pytest.mark.parametrize("empty", ["", "   ", "\n\t", "\x1b\x07"])
def test_what_is_empty_is_refused_and_nothing_is_noted(book: Book, empty: str) -> None:
    identity = opened(book)
    before = book.entries(identity)
    for act in (
        lambda: opened(book, empty),
        lambda: book.note(identity, empty),
        lambda: book.assign(identity, "business", empty),
        lambda: book.grade(identity, "P1", empty),
        lambda: book.resolve(identity, empty),
    ):
        with pytest.raises(IncidentError, match="is empty; right would be a few words"):
            act()
    assert book.entries(identity) == before


def test_what_is_too_long_is_refused(book: Book) -> None:
    with pytest.raises(IncidentError, match="the title has 301 characters; right would be 300 at most"):
        opened(book, "x" * 301)


def test_the_latest_is_one_that_is_still_open_for_whoever_acts_on_it(book: Book) -> None:
    first, second = opened(book, "one"), opened(book, "two")
    book.resolve(second, "mended")
    assert book.acknowledge("latest")[0].id == first
    assert book.note("latest", "looked").id == first
    assert book.find("latest").id == second, "whoever only looks sees the one that was opened last"
    book.resolve("latest", "mended too")
    with pytest.raises(IncidentError, match=f"no incident is open; the latest, {second}, was resolved at"):
        book.acknowledge("latest")


def test_graded_as_it_is_already_is_refused(book: Book) -> None:
    with pytest.raises(IncidentError, match="is P2 already"):
        book.grade(opened(book), "P2", "again")


def test_the_timeline_says_that_it_is_over(book: Book) -> None:
    identity = opened(book)
    book.resolve(identity, "put the selector back")
    assert book.entries(identity)[-1].text == "resolved: put the selector back"
