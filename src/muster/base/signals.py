"""Holding back what ends a program while something must be done to its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_back() -> Iterator[None]:
    """Have SIGINT, SIGTERM and SIGHUP wait until the block is through; then the first that came is delivered.

    The block must be bounded in time. In another thread than the main one, which gets no signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    # One that is ignored stays so; one that Python did not set (None) could not be given back.
    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    before = {number: was for number, was in handlers.items() if was not in {None, signal.SIG_IGN}}
    try:
        for number in before:
            signal.signal(number, note)
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)
        if came:
            signal.raise_signal(came[0])
