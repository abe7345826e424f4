"""Being told to end: a signal is noted wherever it comes, and heeded where that is safe.

Left to itself, Chaos Toolkit lets a signal raise an exception at whatever line it happens to be: on the way from the
method to the rollbacks, which then never run, or inside its own logging, which drops it; and SIGUSR2 leaves the
rollbacks out on purpose. So an exception is raised here only while an activity of others is at work, which cannot ask
for itself, only once, and not before it had a second to end by itself: what it has sent is answered by then, and the
undo that follows finds it. Everything else asks `check`, or waits with `wait_readable`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from muster.base.errors import MusterError

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
PATIENCE_S = 1.0  # a lifeline waits three seconds before it kills: time enough to undo after this
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class ToldToEndError(MusterError):
    """The experiment goes no further, since a signal told it to end."""


class Ending:
    """Whether this process was told to end, by which signal, and who may be interrupted because of it."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        """`patience_s` is how long an activity may go on after a signal; with 0 it is interrupted at once."""
        self._patience_s = patience_s
        self.told = ""  # the signal's name; empty while there was none
        self.undoing = False
        self._before: dict[signal.Signals, Handler] = {}
        self._interruptible = False
        self._woken = self._waker = -1

    def begin(self) -> None:
        """From here on signals are noted. In another thread than the main one, which gets none, nothing changes."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        self.told, self.undoing, self._interruptible = "", False, False
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in NUMBERS:
            self._before[number] = signal.signal(number, self._note)
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._interrupt)

    def end(self) -> None:
        """Give the signals back to whoever had them. May be called again."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for descriptor in (self._woken, self._waker):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._woken = self._waker = -1

    def check(self) -> None:
        """Go on only if nobody wants the end; what is undone is always undone to its end.

        Raises:
            ToldToEndError: this process was told to end.
        """
        if self.told and not self.undoing:
            raise ToldToEndError(f"the experiment was told to end ({self.told})")

    def let_interrupt(self) -> None:
        """From here on a signal may raise SystemExit, which ends the method and leads to the rollbacks.

        Raises:
            ToldToEndError: this process was told to end before.
        """
        self._interruptible = not self.undoing
        if self.told:
            self.keep_whole()
            self.check()

    def keep_whole(self) -> None:
        """From here on nothing is interrupted."""
        self._interruptible = False
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def undo_begins(self) -> None:
        """From here on nobody is interrupted, and `check` lets everything pass."""
        self.undoing = True
        self.keep_whole()

    @contextmanager
    def kept_whole(self) -> Iterator[None]:
        """Do a block to its end, whatever is told meanwhile. Raises ToldToEndError where it was told before."""
        self.keep_whole()
        self.check()
        yield
        self.let_interrupt()

    def wait_readable(self, descriptor: int | None, seconds: float) -> None:
        """Wait until a file can be read, or this process is told to end, or for so many seconds."""
        poll = select.poll()
        for one in (descriptor, self._woken):
            if one is not None and one >= 0:
                poll.register(one, select.POLLIN)
        poll.poll(seconds * 1000)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.told = self.told or signal.Signals(number).name
        with contextlib.suppress(OSError):
            os.write(self._waker, b"\0")
        if not self._interruptible:
            return
        if self._patience_s:
            signal.setitimer(signal.ITIMER_REAL, self._patience_s)
        else:
            self._interrupt(number, None)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._interruptible:
            self._interruptible = False
            raise SystemExit(f"the experiment was told to end ({self.told})")


ENDING = Ending()
