"""The timeline as it grows: what the waiting parts of a drill look at. And who follows a drill beside it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from muster.base.timeline import Event, Tail


class Observer(Protocol):
    """Who must be told of a drill's steps while they are taken: the Allure report. All others read the timeline."""

    def step(self, title: str) -> AbstractContextManager[object]:
        """A context that lasts as long as a step of the drill does."""


class Live:
    """Every event so far, kept up to date by `update`."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self._tail = Tail(path)

    def update(self) -> None:
        """Take in what was appended since the last time."""
        self.events += self._tail.read()
