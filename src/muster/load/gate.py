"""The ceiling, request by request: however late or bunched the turns come, no second gets more than it may."""

from __future__ import annotations

import math
from collections import deque

PART_S = 0.1  # within each such part of a second no more than its part is sent, so that what is late is no blow


class NotSentError(Exception):
    """A request that was intended and is not sent; its words say why."""


class Gate:
    """Gives each request the moment at which it may be sent: in any second at most `limit` of them (requests/s)."""

    def __init__(self, limit: float) -> None:
        self._slots: deque[float] = deque()
        self.set_limit(limit)

    def set_limit(self, limit: float) -> None:
        """Let at most `limit` requests/s pass from now on."""
        self.limit = limit
        self._windows: list[tuple[int, float]] = []
        if math.isfinite(limit):
            in_a_second, in_a_part = max(math.floor(limit), 1), max(math.floor(limit * PART_S), 1)
            self._windows = [(in_a_second, max(1.0, in_a_second / limit)), (in_a_part, in_a_part / limit)]

    def slot(self, moment: float, *, latest: float) -> float:
        """When a request that is ready at `moment` may be sent; what asks first gets the earlier one.

        Raises:
            NotSentError: that would be after `latest`.
        """
        if not self._windows:
            return moment
        slots, at = self._slots, moment
        if slots:
            at = max(at, slots[-1])
        for number, seconds in self._windows:
            if len(slots) >= number:
                at = max(at, slots[-number] + seconds)
        if at > latest:
            raise NotSentError(f"no more than {self.limit:g} requests/s may be sent, and it is too late for the others")
        slots.append(at)
        oldest = at - 2 * self._windows[0][1]
        while slots[0] < oldest:
            slots.popleft()
        return at
