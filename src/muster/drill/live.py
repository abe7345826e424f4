"""The timeline as it grows: what the waiting parts of a drill look at, and what a person is shown meanwhile."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muster.base.clock import now
from muster.base.timeline import Event, Tail

WINDOW_S = 1.0


@dataclass(frozen=True)
class Status:
    """What a person sees of a running drill. Times in seconds, rates per second over the last second."""

    phase: str
    since_injection_s: float | None
    budget_s: float | None
    requests_per_s: float
    errors_per_s: float


class Observer(Protocol):
    """Who follows a drill while it runs: the terminal, the Allure report."""

    def phase(self, status: Status, detail: str) -> None:
        """The drill entered a phase."""

    def tick(self, status: Status) -> None:
        """Time went by; called several times a second from the drill's own thread."""

    def step(self, title: str) -> AbstractContextManager[object]:
        """A context that lasts as long as a step of the drill does."""


class Live:
    """Every event so far, kept up to date by `update`."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self._tail = Tail(path)
        self._recent: deque[tuple[float, bool]] = deque()

    def update(self) -> None:
        """Take in what was appended since the last time."""
        for event in self._tail.read():
            self.events.append(event)
            if event["kind"] == "request":
                self._recent.append((event["done"], event["outcome"] == "ok"))

    def rates(self) -> tuple[float, float]:
        """(requests/s, failed requests/s) over the last second."""
        oldest = now() - WINDOW_S
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()
        failed = sum(1 for _, good in self._recent if not good)
        return len(self._recent) / WINDOW_S, failed / WINDOW_S
