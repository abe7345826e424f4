"""Turning the rate of a load that runs in another process: a named pipe, read by the load, written by whoever turns it.

The load's owner sets its rate for good; anybody else raises it for as long as they hold on. Whoever holds on and dies,
however it goes, has let go: the pipe's end is what puts the rate back, so that needs no record of its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from muster.base.errors import UsageError

# By these an experiment finds the load of the drill that it belongs to.
DIAL_VARIABLE = "MUSTER_LOAD_DIAL"
CEILING_VARIABLE = "MUSTER_LOAD_CEILING"  # requests/s
BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Turn:
    """A rate that is wanted from now on, in requests/s, reached evenly over `over_s` seconds.

    The owner wants it for good; one that is `held` stands over what the owner wants, until a `LetGo`.
    """

    rate: float
    over_s: float = 0.0
    held: bool = False


@dataclass(frozen=True, slots=True)
class LetGo:
    """Nobody holds the rate any more: what the owner wants is wanted again."""


class Dial:
    """The load's end: tells what is wanted."""

    def __init__(self, path: Path) -> None:
        """Read the pipe at `path`.

        Raises:
            OSError: there is no such pipe.
        """
        self._pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._held = False
        self._rest = b""

    def read(self) -> list[Turn | LetGo]:
        """What was wanted since the last time, in that order; never waits."""
        news: list[Turn | LetGo] = []
        nobody_there = self._receive(news)
        if nobody_there and self._held:
            self._held = False
            news.append(LetGo())
        return news

    def close(self) -> None:
        os.close(self._pipe)

    def _receive(self, news: list[Turn | LetGo]) -> bool:
        """Take in what was sent; returns whether nobody has a hand on it any more."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._pipe, BLOCK):
                *lines, self._rest = (self._rest + data).split(b"\n")
                news.extend(self._taken(orjson.loads(line)) for line in lines)
            return True
        return False

    def _taken(self, sent: dict[str, Any]) -> Turn:
        turn = Turn(sent["rate"], sent["over_s"], sent["held"])
        self._held = self._held or turn.held
        return turn


class Hand:
    """A hand on a dial. A context manager: leaving it lets go, and a rate that was held goes back."""

    def __init__(self, path: Path) -> None:
        """Take hold of the dial at `path`.

        Raises:
            UsageError: no load reads it.
        """
        try:
            self._pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            why = "no load reads it" if error.errno == errno.ENXIO else error.strerror
            raise UsageError(f"the rate of the load at {path} cannot be changed: {why}") from error

    def turn(self, rate: float, *, over_s: float = 0.0, held: bool) -> None:
        """Want a rate (requests/s), reached evenly over `over_s` seconds: for good, or `held` for as long as this hand.

        Raises:
            UsageError: the load is gone.
        """
        try:
            os.write(self._pipe, orjson.dumps({"rate": rate, "over_s": over_s, "held": held}) + b"\n")
        except OSError as error:
            raise UsageError(f"the rate of the load cannot be changed: {error.strerror}") from error

    def let_go(self) -> None:
        """Let go; may be called again."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
