"""How long a kubelet waits before it starts a container again."""

from __future__ import annotations

from muster.base.clock import now

FIRST_S = 10.0
LAST_S = 300.0
RESET_S = 2 * LAST_S
NOTICE_S = 0.25  # until a container's end is known; recorded on a real cluster
RELIST_S = 0.75  # until the first restart begins; likewise


class BackOff:
    """The first end of a container costs no wait, the second 10 s, then twice as long each time up to 5 minutes.

    A container that ran for 10 minutes starts afresh. Seconds; times are CLOCK_MONOTONIC.
    """

    def __init__(self, first: float = FIRST_S, last: float = LAST_S) -> None:
        self._first = first
        self._last = last
        self._length = 0.0
        self._updated = 0.0

    def wait_after(self, ended: float) -> float:
        """How long after `ended` the next start is due; 0 for at once."""
        if ended - self._updated > RESET_S:
            self._length = 0.0
        return self._length

    def restarted(self, at: float | None = None) -> None:
        """A start has been made: the next wait is longer."""
        self._length = min(self._length * 2 or self._first, self._last)
        self._updated = now() if at is None else at
