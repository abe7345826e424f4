"""Pods begin one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from muster.base.clock import now

GAP_S = 0.12
CALM_S = 0.04  # a program that sleeps at every look for so long has started
LOOK_S = 0.01
MOST_S = 3.0  # what a Python program takes at most to start on two slow processors that serve beside it
WITHOUT_PROGRAM_S = 0.3  # one that waits for its volumes or its image holds up nobody


@dataclass(eq=False, slots=True)
class Turn:
    """A pod's turn to begin, at `at` (CLOCK_MONOTONIC seconds). `pid` is its first program, once that was started."""

    at: float
    pid: int | None = None


class Pace:
    """Lets the next pod begin when the program of the one before it has started and waits for work: `GAP_S` seconds
    later at least, `MOST_S` at most.

    A program that starts takes a whole processor for a while. Many at once would take them all from the pods that
    serve, which a real node's pods, with processors of their own, are spared.
    """

    def __init__(self) -> None:
        self._in_line = asyncio.Lock()
        self._latest: Turn | None = None

    async def turn(self, *, unless: asyncio.Event) -> Turn | None:
        """Wait until the next pod may begin; None if `unless` is set before."""
        taking, called_off = asyncio.ensure_future(self._take()), asyncio.ensure_future(unless.wait())
        try:
            await asyncio.wait((taking, called_off), return_when=asyncio.FIRST_COMPLETED)
            return taking.result() if taking.done() else None
        finally:
            taking.cancel()
            called_off.cancel()

    async def _take(self) -> Turn:
        async with self._in_line:
            if self._latest is not None:
                await _started(self._latest)
            self._latest = Turn(now())
            return self._latest


async def _started(turn: Turn) -> None:
    await asyncio.sleep(max(turn.at + GAP_S - now(), 0.0))
    calm_since = now()
    while (moment := now()) < turn.at + (MOST_S if turn.pid else WITHOUT_PROGRAM_S):
        if turn.pid is None or _at_work(turn.pid):
            calm_since = moment
        elif moment - calm_since >= CALM_S:
            return
        await asyncio.sleep(LOOK_S)


def _at_work(pid: int) -> bool:
    """Whether a process runs, waits for a processor or for a disk."""
    try:
        # The command's name, in brackets, may itself hold blanks and brackets.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("R", "D")
    except OSError:
        return False
