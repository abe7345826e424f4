"""The timeline as it grows: what the waiting parts of a drill look at."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from muster.base.timeline import Event, Tail


class Live:
    """Every event so far but requests, and the newest requests, kept up to date by `update`.

    Of a load that lasts for hours all requests would fill the memory, and no wait looks at the old ones.
    """

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self.requests: deque[Event] = deque()
        self._tail = Tail(path)

    def update(self, *, since: float) -> None:
        """Take in what was appended since the last time; requests that were done before `since` are let go."""
        for event in self._tail.each():
            if event["kind"] != "request":
                self.events.append(event)
            elif event["done"] >= since:
                self.requests.append(event)
        while self.requests and self.requests[0]["done"] < since:
            self.requests.popleft()

    def all(self, *, since: float) -> list[Event]:
        """What a look at the time from `since` on needs: requests from then, all other events."""
        return [*self.events, *(event for event in self.requests if event["done"] >= since)]
