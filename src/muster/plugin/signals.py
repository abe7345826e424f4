"""What a session does when it is told to end while drills run."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest

_HEEDED = pytest.StashKey[bool]()


def heed_sigterm(config: pytest.Config) -> None:
    """Undo faults and end clusters after SIGTERM as after Ctrl-C, until the session is over. May be called again.

    Only for a session that holds drills, and only in the main thread, where alone a program may say what a signal does:
    elsewhere the handler belongs to whoever runs pytest.
    """
    if config.stash.get(_HEEDED, False) or threading.current_thread() is not threading.main_thread():
        return
    config.stash[_HEEDED] = True
    before = signal.signal(signal.SIGTERM, _interrupt)
    config.add_cleanup(lambda: _restore(before))


def _restore(handler: object) -> None:
    # None: it was not set by Python, and cannot be set by it.
    signal.signal(signal.SIGTERM, handler if handler is not None else signal.SIG_DFL)  # type: ignore[arg-type]


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # A second one would cut short what the first one began, the undoing of the fault.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt("SIGTERM")
