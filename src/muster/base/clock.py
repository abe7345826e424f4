"""The only reader of time.

Durations are measured on CLOCK_MONOTONIC, which every process of one machine shares; UTC is for people.
CLOCK_MONOTONIC stands still while the machine is suspended and CLOCK_BOOTTIME does not, so the two running apart
betrays a suspend (docs/measurement.md, Clock).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time that one can wait on."""

    def now(self) -> float:
        """CLOCK_MONOTONIC in seconds."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, at once if that is not positive."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


@dataclass
class VirtualClock:
    """A clock for tests: sleeping moves it on, nothing else does."""

    time: float = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.0)


SYSTEM_CLOCK = SystemClock()


def now() -> float:
    """CLOCK_MONOTONIC in seconds."""
    return time.monotonic()


def boottime() -> float:
    """CLOCK_BOOTTIME in seconds: like `now`, but it goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def utc() -> datetime:
    """The time of day, aware, for people and for Kubernetes objects."""
    return datetime.now(UTC)


def utc_iso(*, timespec: str = "milliseconds", after_s: float = 0.0) -> str:
    """The time of day, or `after_s` seconds later, as ISO 8601 with a Z, by default to the millisecond."""
    return (utc() + timedelta(seconds=after_s)).isoformat(timespec=timespec).replace("+00:00", "Z")
