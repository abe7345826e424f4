"""Waiting, with a deadline and a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.base.errors import TimeoutExceededError

T = TypeVar("T")


def wait_for(
    look: Callable[[], T | None],
    *,
    within: float,
    reason: str,
    every: float = 0.05,
    clock: Clock = SYSTEM_CLOCK,
    latest: Callable[[], str] | None = None,
) -> T:
    """Call `look` every `every` seconds until it returns something true, and return that.

    `reason` completes "waited N s for ..."; `latest` tells what was seen last. Looks once more when the deadline has
    passed, so that a slow look is not punished.

    Raises:
        TimeoutExceededError: not seen within `within` seconds.
    """
    deadline = clock.now() + within
    while True:
        overdue = clock.now() >= deadline
        found = look()
        if found:
            return found
        if overdue:
            seen = f"; last seen: {latest()}" if latest else ""
            raise TimeoutExceededError(f"waited {within:g} s for {reason}{seen}")
        clock.sleep(max(min(every, deadline - clock.now()), 0.0))
