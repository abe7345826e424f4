"""Reading container logs (see `supervisor.output` for how they are written)."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muster.base.clock import utc

LOOK_EVERY_S = 0.2
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of a log, and how it is shown."""

    tail_lines: int | None = None
    since_seconds: float | None = None
    timestamps: bool = False
    limit_bytes: int | None = None


def show(entry: bytes, *, timestamps: bool) -> bytes:
    """A line of the file as people see it; a piece of a longer line has no end of line."""
    stamp, _stream, tag, text = entry.split(b" ", 3)
    return (stamp + b" " if timestamps else b"") + text + (b"\n" if tag == b"F" else b"")


def entries_of(path: Path) -> Iterator[bytes]:
    """The whole entries of a log, the older file first."""
    for part in (path.with_name(path.name + ".1"), path):
        with suppress(FileNotFoundError), part.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]


def select(path: Path, selection: Selection) -> Iterator[bytes]:
    """The chosen entries that are there now, as people see them."""
    entries = entries_of(path)
    if selection.since_seconds is not None:
        start = utc() - timedelta(seconds=selection.since_seconds)
        entries = (entry for entry in entries if time_of(entry) >= start)
    if selection.tail_lines is not None:
        entries = iter(deque(entries, maxlen=selection.tail_lines))
    for entry in entries:
        yield show(entry, timestamps=selection.timestamps)


def time_of(entry: bytes) -> datetime:
    """When the line was printed, to the microsecond."""
    text = entry[:26].decode()
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)


async def read(path: Path, selection: Selection, *, follow: Callable[[], bool] | None = None) -> AsyncIterator[bytes]:
    """The chosen part of a log; with `follow` also what is added while that returns true."""
    left = selection.limit_bytes if selection.limit_bytes is not None else float("inf")
    async for data in _pieces(path, selection, follow):
        if left <= 0:
            return
        piece = data if left >= len(data) else data[: int(left)]
        left -= len(piece)
        yield piece


async def _pieces(path: Path, selection: Selection, follow: Callable[[], bool] | None) -> AsyncIterator[bytes]:
    tail = _Tail(path) if follow else None  # placed before the first look, so that nothing falls between the two
    batch: list[bytes] = []
    size = 0
    for text in select(path, selection):
        batch.append(text)
        size += len(text)
        if size > CHUNK:
            yield b"".join(batch)
            batch, size = [], 0
            await asyncio.sleep(0)
    if batch:
        yield b"".join(batch)
    if tail is None or follow is None:
        return
    with tail:
        while True:
            goes_on = follow()  # asked before the look: what was printed last is still read
            data = b"".join(show(entry, timestamps=selection.timestamps) for entry in tail.new())
            if data:
                yield data
            elif not goes_on:
                return
            else:
                await asyncio.sleep(LOOK_EVERY_S)


class _Tail:
    """Entries added to a log from now on, across the change to a new file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._file.seek(0, 2)
        self._rest = b""

    def new(self) -> list[bytes]:
        data = self._rest + self._file.read()
        if not self._is_current():
            data += self._file.read()
            self._file.close()
            self._file = self._path.open("rb")
            data += self._file.read()
        *entries, self._rest = data.split(b"\n")
        return entries

    def _is_current(self) -> bool:
        try:
            return self._path.stat().st_ino == _inode(self._file.fileno())
        except FileNotFoundError:
            return True

    def __enter__(self) -> _Tail:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino
