"""The whole screen: a head, panels in one column or two, what was said, and the keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from muster.dashboard.picture import Picture
from muster.dashboard.view.deciding import deciding_panel
from muster.dashboard.view.objectives import objectives_panel
from muster.dashboard.view.release import release_panel
from muster.dashboard.view.system import events_panel, incidents_panel, resources_panel, system_panel
from muster.dashboard.view.text import MARKS, Line, Panel, Piece, cut, wrapped

LEAST = (60, 12)  # columns and rows
TWO_COLUMNS = 110
ROOMY = 36  # rows from which on what is fine has lines of its own beside a release
GAP = 3
SHOWN_SAID = 2
SAID_FOR_S = 120.0
# Key, what it asks of whoever looks after the release, and what that does.
KEYS = (
    ("p", "pause", "it stays in this phase, and is watched still"),
    ("c", "continue", "a pause ends"),
    ("m", "promote", "this phase's bake ends now, and the next one begins"),
    ("f", "freeze", "all stays as it is, and nothing is done by itself any more"),
    ("a", "abort", "whoever looks after it rolls it back"),
    ("r", "rollback", "all traffic to the old version at once, whoever looks after it, then the new one is removed"),
)


@dataclass(frozen=True)
class View:
    """What is shown: `left` alone where there is one column."""

    head: tuple[Line, ...]
    left: tuple[Panel, ...]
    right: tuple[Panel, ...]
    said: tuple[Line, ...]
    keys: Line

    @property
    def text(self) -> str:
        """All of it as text, column after column."""
        parts = [*(panel.text for panel in (*self.left, *self.right))]
        lines = ["".join(piece.text for piece in line) for line in (*self.head, *self.said, self.keys)]
        return "\n".join([lines[0], *parts, *lines[1:]])


class Moment(NamedTuple):
    """When it is shown: CLOCK_MONOTONIC s, and the same for people."""

    now: float
    utc: datetime


def view(picture: Picture, at: Moment, columns: int, rows: int, options: str = "") -> View:
    """The screen at a time, so many columns wide and rows high; `options` go with each command that is suggested."""
    now, utc = at
    if columns < LEAST[0] or rows < LEAST[1]:
        return _too_small(columns, rows)
    two = columns >= TWO_COLUMNS
    width = (columns - GAP - 2) // 2 if two else columns - 2  # a scroll bar has two
    short = rows < ROOMY and picture.under_way is not None
    own = [
        release_panel(picture, now, utc, width),
        deciding_panel(picture, now, utc, width, short=short),
        objectives_panel(picture, now, width),
    ]
    parts = [system_panel(picture, now, width, options, short=short)]
    rest = [
        resources_panel(picture, now, width),
        incidents_panel(picture, now, utc, width),
        events_panel(picture, now, utc, width),
    ]
    left = [*own, *rest[2:]] if two else [*own, *parts, *rest]
    right = [*parts, *rest[:2]] if two else []
    return View(
        (_head(picture, utc, columns),),
        tuple(one for one in left if one is not None),
        tuple(one for one in right if one is not None),
        tuple(_said(picture, utc, columns)),
        _keys(picture, columns),
    )


def _head(picture: Picture, utc: datetime, columns: int) -> Line:
    clock = f" {utc:%H:%M:%S} UTC"
    where = cut((Piece(picture.where, "strong"),), columns - len(clock))
    used = sum(len(piece.text) for piece in where)
    return (*where, Piece(" " * (columns - len(clock) - used)), Piece(clock, "dim"))


def _said(picture: Picture, utc: datetime, columns: int) -> Iterator[Line]:
    late = [one for one in picture.said if (utc - one.at).total_seconds() <= SAID_FOR_S]
    for one in late[-SHOWN_SAID:]:
        mark = MARKS["finding" if one.failed else "fine"]
        yield from wrapped(one.text, columns, mark, Piece(f"{one.at:%H:%M:%S} ", "dim"), most=3)
    if picture.acting:
        yield from wrapped(picture.acting, columns, Piece("▶ ", "strong"), kind="strong", most=3)


def _keys(picture: Picture, columns: int) -> Line:
    if picture.under_way is None:
        return cut((Piece(" q", "strong"), Piece(" quit  "), Piece("↑ ↓", "strong"), Piece(" scroll")), columns)
    pieces = [Piece(" ")]
    for key, name, _ in (*KEYS, ("q", "quit", "")):
        pieces += [Piece(key, "strong"), Piece(f" {name} ")]
    if sum(len(piece.text) for piece in pieces) > columns:
        pieces = [Piece(" ")]
        for key, name, _ in (*KEYS, ("q", "quit", "")):
            short = {"rollback": "back", "continue": "go on"}.get(name, name)
            pieces += [Piece(key, "strong"), Piece(f" {short} ")]
    return cut(pieces, columns)


def _too_small(columns: int, rows: int) -> View:
    text = f"too small: {LEAST[0]} columns and {LEAST[1]} rows are needed, here are {columns} and {rows}"
    said = tuple(wrapped(text, max(columns, 12), most=6))
    return View(said, (), (), (), (Piece("q", "strong"), Piece(" quit")))
