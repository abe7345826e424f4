"""What a system promises in place of muster's own table goes with its incidents."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.incidents import Book
from muster.incidents.escalation import ladder
from muster.incidents.indicators import indicators

PROMISES = {"P1": {"rto_s": 60.0, "rpo_s": 1.0}, "P2": {"mttr_s": 600.0, "response_s": 300.0}}


def test_they_are_those_of_when_it_was_opened_also_after_it_is_graded_anew(tmp_path: Path) -> None:
    with Book.open("book.sqlite", tmp_path, create=True) as book:
        book.promises = PROMISES
        opened, _ = book.begin(system="shop", cluster="c", severity="P1", title="it hurts")
    with Book.open("book.sqlite", tmp_path) as book:  # somebody else, who does not have the system
        assert book.find(opened.id).targets.rto_s == 60.0
        graded = book.grade(opened.id, "P2", "fewer are hurt")
        assert (graded.targets.rto_s, graded.targets.response) == (3600.0, "within 5 min")
        known = indicators([graded], [], utc() - timedelta(days=1), utc() + timedelta(minutes=1))
    assert {one.name: one.target for one in known}["MTTR P2"] == 600.0


def test_who_is_asked_next_goes_by_them(tmp_path: Path) -> None:
    with Book.open("book.sqlite", tmp_path, create=True) as book:
        book.promises = PROMISES
        opened, _ = book.begin(system="shop", cluster="c", severity="P1", title="it hurts")
    (rto,) = [one for one in ladder(opened) if one.key == "RTO"]
    assert rto.at == datetime.fromisoformat(opened.began) + timedelta(seconds=60)
    assert rto.why == "its RTO of 1 min is over"


def test_one_without_any_has_the_table(tmp_path: Path) -> None:
    with Book.open("book.sqlite", tmp_path, create=True) as book:
        opened, _ = book.begin(system="shop", cluster="c", severity="P1", title="it hurts")
        assert book.find(opened.id).targets.rto_s == 900.0


def test_a_promise_that_is_none_opens_nothing(tmp_path: Path) -> None:
    with Book.open("book.sqlite", tmp_path, create=True) as book:
        book.promises = {"P1": {"rto_s": -1.0}}
        with pytest.raises(UsageError, match=r"P1: rto_s is -1.0; right would be seconds, 0 or more"):
            book.begin(system="shop", cluster="c", severity="P1", title="it hurts")
        assert book.incidents() == []
