"""When this process itself was late: the time in which it had something to do and did not come to do it."""

from __future__ import annotations

import asyncio
from collections import deque

from muster.base.clock import now

WORTH_NOTING_S = 0.005
REMEMBERED = 1024  # stretches; at one every 10 ms far longer than any request is under way


class Lateness:
    """Sleeps, and keeps account of how late it woke. It sees no delay that fell between two of its turns."""

    def __init__(self) -> None:
        self._due: list[float] = []  # the turns that are waited for
        self._overdue: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    async def sleep_until(self, due: float) -> float:
        """Wait for a moment (CLOCK_MONOTONIC seconds); how many seconds later than that it is."""
        self._due.append(due)
        began = now()
        left, sure_s = due - began, 0.0
        try:
            while True:
                await asyncio.sleep(left + sure_s)
                if (left := due - now()) <= 0:
                    break
                # uvloop counts in whole milliseconds from a time that it read earlier, and may wake early repeatedly.
                sure_s = 0.001
        finally:
            self._due.remove(due)
        woke = now()
        # A turn that was due before it was waited for is late for that long only; what came before has been counted.
        self.note(max(due, began), woke)
        return woke - due

    def note(self, since: float, until: float) -> None:
        """This process was overdue from one moment to another."""
        if until - since >= WORTH_NOTING_S:
            self._overdue.append((since, until))

    def within(self, start: float, end: float) -> float:
        """For how many seconds of a stretch of time this process was overdue, turns that are so now included."""
        overdue = sorted([*self._overdue, *((due, now()) for due in self._due)])
        total, counted_until = 0.0, start
        for since, until in overdue:
            more = min(until, end) - max(since, counted_until)
            if more > 0:
                total += more
                counted_until = min(until, end)
        return total
