"""The timeline: what happened in a drill, append-only, JSON Lines (docs/architecture.md lists the kinds of events).

Several processes append to one file. Each event is one `write` to a descriptor opened with O_APPEND, which Linux
performs under the inode's lock on local file systems, so lines neither mix nor get lost.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from muster.base import clock
from muster.base.errors import MusterError

SCHEMA = "muster/timeline/v1"
TIMELINE_VARIABLE = "MUSTER_TIMELINE"  # by which a process is told of a drill's timeline
_BLOCK = 4 << 20  # longer than any line
_NOT_JSON = "not JSON: half written, perhaps because the disk was full, or edited"
Event = dict[str, Any]


class TimelineError(MusterError):
    """A timeline cannot be opened, written or understood."""


class Timeline:
    """A timeline open for appending. Safe to use from several threads and processes at once."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending, creating it where it does not exist.

        Raises:
            TimelineError: the file cannot be opened.
        """
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise TimelineError(f"timeline {path} cannot be opened for writing: {error.strerror}") from error

    @classmethod
    def start(cls, path: Path, *, run: str, drill: str) -> Self:
        """Open a new timeline and write its first line.

        Raises:
            TimelineError: the file cannot be opened, or exists already.
        """
        if path.exists():
            raise TimelineError(f"timeline {path} exists already; a timeline is written once")
        timeline = cls(path)
        timeline.append("timeline", schema=SCHEMA, utc=clock.utc_iso(), boottime=clock.boottime(), run=run, drill=drill)
        return timeline

    def append(self, kind: str, *, t: float | None = None, **fields: Any) -> None:
        """Append one event; `t` (CLOCK_MONOTONIC seconds) is now unless given.

        Raises:
            TimelineError: the event did not reach the file whole (a full disk, say).
        """
        event = {"t": clock.now() if t is None else t, "kind": kind, **fields}
        self.append_lines([orjson.dumps(event)])

    def append_lines(self, lines: Iterable[bytes]) -> None:
        """Append events that are serialised already, without their newlines, in one write.

        Raises:
            TimelineError: the events did not reach the file whole.
        """
        data = b"".join(line + b"\n" for line in lines)
        if not data:
            return
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            raise TimelineError(f"timeline {self.path} cannot be written: {error.strerror}") from error
        if written != len(data):
            raise TimelineError(f"timeline {self.path} cannot be written: only {written} of {len(data)} bytes went in")

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Tail:
    """Reads what was appended to a timeline since the last look. A line that is still being written waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def skip(self) -> None:
        """Pass over what is there already."""
        with contextlib.suppress(FileNotFoundError):
            self._offset = self.path.stat().st_size

    def read(self) -> list[Event]:
        """The events that are new, in order of writing; none while the file does not exist."""
        return list(self.each())

    def each(self) -> Iterator[Event]:
        """The same one by one, however many there are. What is not taken comes the next time.

        Raises:
            TimelineError: a line in the middle is no JSON.
        """
        while True:
            try:
                with self.path.open("rb") as file:
                    file.seek(self._offset)
                    data = file.read(_BLOCK)
            except FileNotFoundError:
                return
            if not data:
                return
            begin = 0
            while (end := data.find(b"\n", begin)) >= 0:
                line, begin = data[begin:end], end + 1
                self._offset += len(line) + 1
                if line:
                    yield self._parse(line)
            if begin == 0:
                return  # a line that is still being written

    def _parse(self, line: bytes) -> Event:
        try:
            event: Event = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise TimelineError(f"timeline {self.path}: {_NOT_JSON} ({error})") from error
        return event


def read_timeline(path: Path) -> list[Event]:
    """All events of a saved timeline, sorted by time (stable, so equal times keep the order of writing).

    What the fields hold is not looked at: a time that is no number counts as 0, and `muster.verdict` says so.
    A last line without its end is what a crash leaves and is passed over; any other line that is no event is an error.

    Raises:
        TimelineError: no such file, or not a timeline of a schema known here.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TimelineError(f"timeline {path} cannot be read: {error.strerror}") from error
    events = list(_parse(path, data))
    if not events or events[0].get("kind") != "timeline" or events[0].get("schema") != SCHEMA:
        raise TimelineError(f"{path} is not a timeline: its first line must be of kind 'timeline', schema '{SCHEMA}'")
    return sorted(events, key=_time)


def _time(event: Event) -> float:
    t = event["t"]
    return float(t) if isinstance(t, (int, float)) else 0.0


def parse_line(path: Path, number: int, line: bytes, *, last: bool) -> Event | None:
    """The event on a line; None for a `last` one that is no JSON, which is what a crash leaves.

    Raises:
        TimelineError: it is no event; the message says where and why.
    """
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if last:
            return None
        raise TimelineError(f"{path}, line {number}: {_NOT_JSON} ({error})") from error
    if not isinstance(event, dict) or "t" not in event or "kind" not in event:
        raise TimelineError(f"{path}, line {number}: not an event (an object with 't' and 'kind')")
    return event


def _parse(path: Path, data: bytes) -> Iterator[Event]:
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line and (event := parse_line(path, number, line, last=number == len(lines))) is not None:
            yield event
