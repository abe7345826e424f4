"""How a drill and the experiment's process talk: orders through a named pipe, progress through a file.

The pipe also tells the experiment when the drill is gone, however it went: its end reads as end of file. The file stays
as evidence.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

from muster.base.process import INJECTION_VARIABLE
from muster.base.timeline import TIMELINE_VARIABLE, Event, Tail, Timeline
from muster.faults.ending import ENDING
from muster.safety.audit import who

ORDERS_VARIABLE = "MUSTER_FAULT_ORDERS"
PROGRESS_VARIABLE = "MUSTER_FAULT_PROGRESS"
NAMESPACE_VARIABLE = "MUSTER_NAMESPACE"
LEASE_VARIABLE = "MUSTER_LEASE"  # under which name the drill holds the namespace
DEADLINE_VARIABLE = "MUSTER_FAULT_DEADLINE"  # ISO 8601: until when the fault may last
URL_VARIABLE = "MUSTER_URL"  # where clients reach the system

GO = "go"
RELEASE = "release"


def lock_holder(experiment: str, injection: str) -> str:
    """Under which name an injection holds the namespace's lock."""
    return f"{experiment} ({who()}, {injection})"


class DrillSide:
    """The drill's end: gives orders and reads progress."""

    def __init__(self, directory: Path) -> None:
        """Make pipe and file in `directory`.

        Raises:
            OSError: they cannot be made there.
        """
        self.orders = directory / "orders"
        self.progress = directory / "progress.jsonl"
        os.mkfifo(self.orders, 0o600)
        # Open for both, so that opening does not wait for the experiment; closing is what it will notice.
        self._pipe = os.open(self.orders, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self._tail = Tail(self.progress)
        self.injection = secrets.token_hex(6)
        self.events: list[Event] = []

    def environment(self, timeline: Path, namespace: str) -> dict[str, str]:
        """What the experiment's process must find in its environment."""
        return {
            ORDERS_VARIABLE: str(self.orders.absolute()),
            PROGRESS_VARIABLE: str(self.progress.absolute()),
            TIMELINE_VARIABLE: str(timeline.absolute()),
            NAMESPACE_VARIABLE: namespace,
            INJECTION_VARIABLE: self.injection,
        }

    def order(self, order: str) -> None:
        """Send GO or RELEASE."""
        os.write(self._pipe, f"{order}\n".encode())

    def seen(self, kind: str) -> Event | None:
        """The last progress event of a kind, if the experiment has come so far."""
        self.events += self._tail.read()
        return next((event for event in reversed(self.events) if event["kind"] == kind), None)

    def close(self) -> None:
        """Hang up: an experiment that still waits for an order sees the end. May be called again."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        with contextlib.suppress(FileNotFoundError):
            self.orders.unlink()


def report_failure(why: str, *, refused: bool) -> None:
    """Tell the drill, if there is one, why the experiment ends; possible before its guard is passed.

    Raises:
        TimelineError: it cannot be told.
    """
    progress = os.environ.get(PROGRESS_VARIABLE)
    if progress:
        with Timeline(Path(progress)) as file:
            file.append("failed", why=why, refused=refused)


class ExperimentSide:
    """The experiment's end. Run by hand there is no drill: every order counts as given, and nothing is reported."""

    def __init__(self) -> None:
        """Take the pipe and the files from the environment.

        Raises:
            OSError: the pipe cannot be opened.
            TimelineError: a file cannot be opened.
        """
        orders, progress = os.environ.get(ORDERS_VARIABLE), os.environ.get(PROGRESS_VARIABLE)
        timeline = os.environ.get(TIMELINE_VARIABLE)
        self.by_hand = not orders
        self.injection = os.environ.get(INJECTION_VARIABLE) or secrets.token_hex(6)
        self._pipe = os.open(orders, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC) if orders else -1
        self._progress = Timeline(Path(progress)) if progress else None
        self.timeline = Timeline(Path(timeline)) if timeline else None
        self._received: list[str] = []

    def report(self, kind: str, **fields: Any) -> None:
        """Tell the drill how far the experiment is."""
        if self._progress:
            self._progress.append(kind, **fields)

    def wait_for(self, order: str) -> bool:
        """Wait until an order is given; False if the drill went away or wants the end instead.

        Raises:
            ToldToEndError: this process was told to end.
        """
        while order not in self._received:
            ENDING.check()
            if RELEASE in self._received or not self._receive():
                return False
        return True

    def _receive(self) -> bool:
        """Wait a little for more orders; False at the end of the pipe."""
        ENDING.wait_readable(self._pipe, 1.0)
        try:
            data = os.read(self._pipe, 4096)
        except BlockingIOError:
            return True
        self._received += data.decode().split()
        return bool(data)
