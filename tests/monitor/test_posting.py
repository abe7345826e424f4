"""What changes leaves as notices once: of an incident by the incident, of a lesser alert by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.incidents import Book
from muster.monitor.memory import Change, Memory
from muster.monitor.posting import notice_of, putting
from muster.monitor.telling import Incidents
from muster.notices import Post

from .looks import at, look, memory


def change(severity: str | None, was: str | None = None) -> Change:
    return Change(1, "shop/Pod/web", at(1), severity, was, "web is wrong", "", "Pod/web", None)


def told(folder: Path) -> list[tuple[str, str, str, str]]:
    with Memory.open("history.sqlite", folder) as one, one._reading() as connection:
        asked = "select source, state, severity, title from muster_notices order by id"
        return [tuple(row) for row in connection.exec_driver_sql(asked)]


@pytest.mark.parametrize(
    ("severity", "was", "state", "step"),
    [
        ("P3", None, "trigger", ""),
        ("P3", "P4", "trigger", "P3"),
        (None, "P3", "resolve", ""),
        (None, "P1", "resolve", ""),
    ],
)
def test_a_lesser_alert_and_its_end_are_told(severity: str | None, was: str | None, state: str, step: str) -> None:
    notice = notice_of(change(severity, was), "shop", "staging")
    assert (notice.state, notice.step, notice.key) == (state, step, "monitor/shop/staging/shop/Pod/web")


def test_each_is_in_the_outbox_once_with_the_change_that_it_tells_of(tmp_path: Path) -> None:
    post = Post.of(None, tmp_path, {"MUSTER_NOTICES_OPS": "json://127.0.0.1:9"})

    def opening(address: str, base: Path, *, create: bool) -> Book:
        book = Book.open(address, base, create=create)
        book.post = post
        return book

    incidents = Incidents("shop", "staging", "history.sqlite", tmp_path, opening=opening)
    story = [{"web": "P1", "queue": "P3"}] * 4 + [{}] * 4 + [{"web": "P2"}] * 3
    for number, wrong in enumerate(story):
        with memory(tmp_path) as one:
            one.take(look(number, **wrong), putting(post, "shop", "staging"))
            for made in one.untold("incidents"):
                one.tell(made, "incidents", incidents.tell(made))
    assert told(tmp_path) == [
        ("incident", "trigger", "P1", "web is wrong"),
        ("monitor", "trigger", "P3", "queue is wrong"),
        ("monitor", "resolve", "P3", "queue is wrong"),
        ("monitor", "trigger", "P2", "web is wrong"),  # its incident is open still, and says nothing anew
    ]
