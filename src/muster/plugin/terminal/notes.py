"""Which drill a process has begun, told to the process that has the terminal.

A timeline exists only once the system is deployed, and does not know its xdist worker. So each process that runs drills
appends a line per drill to a file of its own in the run's directory. A file survives the death of its writer, and
needs nothing of xdist.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path

import pytest

from muster.base.timeline import Event, Tail, Timeline
from muster.plugin.run import RUN

PREFIX = ".running-"
ALONE = "alone"


def announce(item: pytest.Item, drill: str, *, system: str) -> None:
    """Tell whoever has the terminal that a drill begins. The run must have begun.

    Raises:
        TimelineError: it cannot be written.
    """
    run = item.config.stash[RUN]
    marker = item.get_closest_marker("drill")
    with Timeline(run.directory / f"{PREFIX}{run.worker or ALONE}") as notes:
        notes.append(
            "drill",
            name=drill,
            nodeid=item.nodeid,
            about=_first_line(item),
            severity=str(marker.kwargs.get("severity", "")) if marker else "",
            system=system,
        )


@dataclass
class Notes:
    """The notes of all processes of a run, as they come in."""

    directory: Path

    def __post_init__(self) -> None:
        self._tails: dict[str, Tail] = {}

    def read(self) -> list[tuple[str, Event]]:
        """(worker, event) for each drill that began since the last look; the worker is empty without xdist."""
        for path in sorted(self.directory.glob(f"{PREFIX}*")):
            self._tails.setdefault(path.name.removeprefix(PREFIX), Tail(path))
        found = [(worker, event) for worker, tail in self._tails.items() for event in tail.read()]
        return [("" if worker == ALONE else worker, event) for worker, event in found]

    def remove(self) -> None:
        """Take the notes out of the report: nobody follows a run that is over."""
        for path in self.directory.glob(f"{PREFIX}*"):
            path.unlink(missing_ok=True)


def _first_line(item: pytest.Item) -> str:
    text = inspect.getdoc(getattr(item, "obj", None)) or ""
    return text.partition("\n")[0]
