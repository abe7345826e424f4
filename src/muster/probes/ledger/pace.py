"""How often something is asked after a drill, by all who ask together."""

from __future__ import annotations

import asyncio

from muster.base.clock import now

SLOWEST = 10  # times slower than usual, while nobody answers


class Pace:
    """Turns, at most `rate` a second, one after the other.

    While nothing answers they come ever less often, down to a tenth: a server in trouble is not helped by being asked.
    """

    def __init__(self, rate: float) -> None:
        self._gap_s = 1 / rate
        self._unanswered = 0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until it is one's turn."""
        at = max(self._next, now())
        self._next = at + self._gap_s * min(1 + self._unanswered, SLOWEST)
        await asyncio.sleep(at - now())

    def heard(self, *, answered: bool) -> None:
        """Take in whether what was asked had an answer that says something."""
        self._unanswered = 0 if answered else self._unanswered + 1
