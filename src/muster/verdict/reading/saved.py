"""A timeline as the judge reads it: its requests in columns, everything else as events.

Requests are nearly all of a long timeline. They are decoded block by block with a decoder that knows their fields, so
that millions of them take seconds and tens of bytes each; a block that holds anything odd is read again line by line,
slowly, and what is wrong is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from muster.base.timeline import SCHEMA, Event, TimelineError, parse_line
from muster.verdict.reading.events import LONGEST_S, DamagedTimelineError, check_event, check_head
from muster.verdict.reading.requests import CODES, KEPT, TOLD, WRITE, Codes, Requests, Seconds

BLOCK = 1 << 20  # what is made of a block still fits into the processor's cache
_TIMES = ("t", "sent", "done", "intended")


class _Line(msgspec.Struct, gc=False):
    """A line of a timeline, as far as it concerns requests."""

    t: float
    kind: str
    source: str = ""
    name: str = ""
    outcome: str = ""
    sent: float = 0.0
    done: float = 0.0
    intended: float = 0.0
    conn: str = ""
    write: bool = False


@dataclass(slots=True)
class Table:
    """The requests of a timeline in order of writing, one column a field (CLOCK_MONOTONIC seconds, codes of `CODES`).

    `name` holds places in `names`, pairs of (source, name).
    """

    sent: Seconds
    done: Seconds
    intended: Seconds
    outcome: Codes
    name: npt.NDArray[np.uint16]
    facet: Codes
    names: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.sent)

    def only(self, code: int) -> Requests:
        """The requests of one name by its place in `names`, `bad` being whatever was not ok."""
        rows = self.name == code
        outcome = self.outcome[rows]
        bad = outcome != CODES["ok"]
        times = (self.sent[rows], self.done[rows], self.intended[rows])
        return Requests(*times, outcome, bad, self.name[rows], self.facet[rows])


@dataclass(slots=True)
class Saved:
    """A whole timeline. `events` are all but the requests, sorted by time."""

    events: list[Event]
    table: Table

    @classmethod
    def of(cls, events: Sequence[Event]) -> Saved:
        """The same from events in memory, requests included.

        Raises:
            DamagedTimelineError: one of them cannot be reckoned with; the message says which and why.
        """
        for number, event in enumerate(events, start=1):
            check_head(event, number)
        reading = _Reading(begun=next((event["t"] for event in events if event["kind"] == "declared"), None))
        reading.take_slowly(events)
        return reading.result()


def read_saved(path: Path) -> Saved:
    """Read a saved timeline.

    A last line without its end is what a crash leaves and is passed over; any other line that is no event is an error.

    Raises:
        TimelineError: no such file, or not a timeline of a schema known here.
        DamagedTimelineError: an event cannot be reckoned with; the message says which and why.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise TimelineError(f"timeline {path} cannot be read: {error.strerror}") from error


def _read(path: Path, file: BinaryIO) -> Saved:
    reading, number = _Reading(), 1
    for block, whole in _blocks(file):
        if number == 1:
            _check_first(path, block)
            reading.begun = _begun(block)
        lines = reading.take_quickly(block) if whole else None
        if lines is None:
            events = list(_parse(path, block, number, whole=whole))
            for place, event in enumerate(events, start=number):
                check_head(event, place)
            reading.take_slowly(events)
            lines = block.count(b"\n")
        number += lines
    return reading.result()


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The file in blocks of whole lines, and whether they are; what follows the last line's end comes by itself."""
    rest = b""
    while data := file.read(BLOCK):
        data = rest + data
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end], True
        rest = data[end:]
    yield rest, False


def _check_first(path: Path, block: bytes) -> None:
    first = next((line for line in block.split(b"\n", 64) if line), b"")
    try:
        event = orjson.loads(first)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict) or event.get("kind") != "timeline" or event.get("schema") != SCHEMA:
        raise TimelineError(f"{path} is not a timeline: its first line must be of kind 'timeline', schema '{SCHEMA}'")


def _begun(block: bytes) -> float | None:
    """When the drill was declared, which is at its beginning; None where that is not told in time."""
    for line in block.split(b"\n", 1000)[:1000]:
        if b'"declared"' in line:
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # what is wrong with it is said where it is read
            if isinstance(event, dict) and event.get("kind") == "declared":
                t = event.get("t")
                return t if isinstance(t, float) else None
    return None


def _parse(path: Path, block: bytes, number: int, *, whole: bool) -> Iterator[Event]:
    for at, line in enumerate(block.split(b"\n"), start=number):
        if line:
            event = parse_line(path, at, line, last=not whole)
            if event is not None:
                yield event


# Of one line: kind, source, name, outcome, connection, whether it writes.
_Words = tuple[str, str, str, str, str, bool]
_WORDS = attrgetter("kind", "source", "name", "outcome", "conn", "write")


class _Sorts(dict[_Words, int]):
    """Sorts of lines, numbered as they come: what is the same in nearly all requests is looked at once for each sort,
    and not in each."""

    def __missing__(self, words: _Words) -> int:
        self[words] = place = len(self)
        return place


@dataclass(slots=True)
class _Reading:
    """Columns and events as they come in. `begun` is when the drill was declared."""

    begun: float | None = None
    _events: list[Event] = field(default_factory=list)
    _times: dict[str, list[Seconds]] = field(default_factory=lambda: {"sent": [], "done": [], "intended": []})
    _sorts: _Sorts = field(default_factory=_Sorts)
    _of_sort: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    _decode: Callable[[bytes], list[_Line]] = field(default_factory=lambda: msgspec.json.Decoder(_Line).decode_lines)

    def take_quickly(self, block: bytes) -> int | None:
        """Take a block of whole lines and return how many there were; None where anything in it is odd, and nothing of
        it taken."""
        try:
            rows = self._decode(block)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
        if len(rows) != len(ends):  # empty lines
            return None
        of_sort = np.fromiter(map(self._sorts.__getitem__, map(_WORDS, rows)), np.uint32, len(rows))
        asked = self._of_each(lambda words: words[0] == "request", np.bool_)[of_sort]
        fits = self._of_each(_fits, np.bool_)[of_sort]
        times = {name: np.fromiter(map(attrgetter(name), rows), np.float64, len(rows))[asked] for name in _TIMES}
        if not (self._in_range(times) and fits.all()):
            return None
        begins = np.concatenate([[0], ends[:-1] + 1])
        events = [orjson.loads(block[begins[at] : ends[at]]) for at in np.flatnonzero(~asked)]
        try:
            for event in events:
                check_event(event, self.begun)
        except DamagedTimelineError:
            return None
        self._add(times, of_sort[asked])
        self._events += events
        return len(rows)

    def take_slowly(self, events: Sequence[Event]) -> None:
        """Take events one by one; each has the head of an event.

        Raises:
            DamagedTimelineError: one of them does not fit.
        """
        asked: list[Event] = []
        for event in events:
            check_event(event, self.begun)
            (asked if event["kind"] == "request" else self._events).append(event)
        times = {name: np.array([event[name] for event in asked], dtype=np.float64) for name in _TIMES}
        self._add(times, np.array([self._sorts[_words_of(event)] for event in asked], dtype=np.uint32))

    def result(self) -> Saved:
        """All of it.

        Raises:
            DamagedTimelineError: a drill that was declared late shows times that are none of its own, or there are more
                names than can be told apart.
        """
        names: dict[tuple[str, str], int] = {}
        for kind, source, name, *_ in self._sorts:
            if kind == "request":
                names.setdefault((source, name), len(names))
        if len(names) > np.iinfo(np.uint16).max:
            raise DamagedTimelineError(f"the timeline holds requests of {len(names)} names; 65535 can be told apart")
        of_sort = _joined(self._of_sort, np.uint32)
        table = Table(
            sent=_joined(self._times["sent"], np.float64),
            done=_joined(self._times["done"], np.float64),
            intended=_joined(self._times["intended"], np.float64),
            outcome=self._of_each(lambda words: CODES.get(words[3], 0), np.uint8)[of_sort],
            name=self._of_each(lambda words: names.get(words[1:3], 0), np.uint16)[of_sort],
            facet=self._of_each(lambda words: (words[4] == "kept") * KEPT + words[5] * WRITE, np.uint8)[of_sort],
            names=list(names),
        )
        self._events.sort(key=lambda event: float(event["t"]))
        if self.begun is None:
            self._check_late(table)
        return Saved(self._events, table)

    def _check_late(self, table: Table) -> None:
        """Look at the times again, now that it may be known when the drill was declared."""
        self.begun = next((float(event["t"]) for event in self._events if event["kind"] == "declared"), None)
        for event in self._events:
            check_event(event, self.begun)
        if not self._in_range({"sent": table.sent, "done": table.done, "intended": table.intended}):
            raise DamagedTimelineError("a request's times do not lie within days of the drill's declaration")

    def _add(self, times: dict[str, Seconds], of_sort: npt.NDArray[np.uint32]) -> None:
        for name, parts in self._times.items():
            parts.append(times[name])
        self._of_sort.append(of_sort)

    def _of_each(self, what: Callable[[_Words], object], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Something of each sort, by its number."""
        return np.array([what(words) for words in self._sorts], dtype=dtype)

    def _in_range(self, times: dict[str, Seconds]) -> bool:
        """Whether all are times of this drill, and no answer came before its question."""
        middle = 0.0 if self.begun is None else self.begun
        most = np.inf if self.begun is None else LONGEST_S
        # 0 stands for a field that is not there.
        near = (bool(np.all((column != 0) & (np.abs(column - middle) <= most))) for column in times.values())
        return all(near) and bool(np.all(times["sent"] <= times["done"]))


def _joined(parts: list[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Blocks in one, and no longer held beside it."""
    whole = np.concatenate([np.empty(0, dtype=dtype), *parts])
    parts.clear()
    return whole


def _fits(words: _Words) -> bool:
    """Whether a line, if it is a request, has all that it must have, and an outcome that is one."""
    kind, source, name, outcome, _, _ = words
    return kind != "request" or bool(source and name and outcome in TOLD)


def _words_of(event: Event) -> _Words:
    conn, write = str(event.get("conn") or ""), event.get("write") is True
    return ("request", event["source"], event["name"], event["outcome"], conn, write)
