"""The timeline as it grows: what the waiting parts of a drill look at."""

from __future__ import annotations

from pathlib import Path

from muster.base.timeline import Event, Tail


class Live:
    """Every event so far, kept up to date by `update`."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self._tail = Tail(path)

    def update(self) -> None:
        """Take in what was appended since the last time."""
        self.events += self._tail.read()
