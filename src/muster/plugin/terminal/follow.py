"""Follows the drills of a run, in whichever processes they run, and shows them: as a panel, or line by line.

Reads what the drills write anyway, their timelines, so it shows the same with and without xdist, needs no part of a
drill to call it, and can do a drill no harm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muster.base.background import Background
from muster.base.clock import now
from muster.base.timeline import Event, Tail
from muster.plugin.terminal.lines import first_line, line_of
from muster.plugin.terminal.notes import Notes
from muster.plugin.terminal.progress import Progress
from muster.plugin.terminal.screen import Screen

EVERY_S = 0.25


class View(Protocol):
    """How drills are shown; `leaves_lines` says whether that leaves anything on the terminal."""

    leaves_lines: bool

    def began(self, progress: Progress) -> None:
        """A drill began."""

    def happened(self, progress: Progress, event: Event) -> None:
        """Its `progress` took in an event."""

    def refresh(self, running: list[Progress]) -> None:
        """Time went by."""


class LineView:
    """A line for each thing worth one."""

    leaves_lines = True

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def began(self, progress: Progress) -> None:
        self._screen.say(first_line(progress))

    def happened(self, progress: Progress, event: Event) -> None:
        if line := line_of(progress, event):
            self._screen.say(line)

    def refresh(self, running: list[Progress]) -> None:
        pass


class PanelView:
    """A panel that is there while drills run."""

    leaves_lines = False

    def __init__(self, screen: Screen, *, colour: bool, unicode: bool) -> None:
        self._screen, self._colour, self._unicode = screen, colour, unicode

    def began(self, progress: Progress) -> None:
        pass

    def happened(self, progress: Progress, event: Event) -> None:
        pass

    def refresh(self, running: list[Progress]) -> None:
        from muster.plugin.terminal.panel import Canvas, render  # rich takes a while to import

        columns, rows = self._screen.size
        lines = render(running, now(), Canvas(columns, rows, self._colour, self._unicode))
        if lines:
            self._screen.draw(lines)
        else:
            self._screen.erase()


@dataclass
class _Followed:
    progress: Progress
    tail: Tail


class Follower(Background):
    """A thread that follows the drills of a run's directory. A context manager."""

    def __init__(self, directory: Path, view: View) -> None:
        super().__init__(self._run, name="muster-terminal")
        self._directory, self._view = directory, view
        self.leaves_lines = view.leaves_lines
        self._notes = Notes(directory)
        self._running: dict[str, _Followed] = {}
        self._lock = threading.Lock()

    def finished(self, nodeid: str) -> None:
        """A drill is over: say what is still to be said of it, and show it no more."""
        self._show(lambda progress: progress.nodeid == nodeid)

    def lost(self, worker: str) -> None:
        """A worker is gone, and its drill with it."""
        self._show(lambda progress: progress.worker == worker)

    def _run(self) -> None:
        while not self.pause(EVERY_S):
            self._show()

    def _show(self, over: Callable[[Progress], bool] | None = None) -> None:
        """Take in the news, leave out the drills that are `over`, show the rest."""
        with self._lock:
            try:
                self._look()
                self._running = {w: one for w, one in self._running.items() if not (over and over(one.progress))}
                self._view.refresh([one.progress for one in self._running.values()])
            except Exception:  # noqa: BLE001 - what cannot be shown is shown no more, and the drill goes on
                # The terminal is gone, or a file cannot be read. A thread that ended with an error would be one of the
                # drill's, where a project makes errors of pytest's warnings.
                self.stopping.set()

    def _look(self) -> None:
        for worker, note in self._notes.read():
            self._begin(worker, note)
        for one in self._running.values():
            for event in one.tail.read():
                one.progress.apply(event)
                self._view.happened(one.progress, event)

    def _begin(self, worker: str, note: Event) -> None:
        progress = Progress(
            drill=note["name"],
            nodeid=note["nodeid"],
            about=note["about"],
            severity=note["severity"],
            system=note["system"],
            worker=worker,
            began=note["t"],
        )
        self._running[worker] = _Followed(progress, Tail(self._directory / f"{note['name']}.jsonl"))
        self._view.began(progress)
