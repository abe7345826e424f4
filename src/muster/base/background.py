"""What goes on in threads of its own, beside a block or until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Background:
    """Threads, one for each of `loops`, which return soon after `stopping` is set. A context manager."""

    def __init__(self, *loops: Callable[[], None], name: str) -> None:
        self.stopping = threading.Event()
        self._threads = [threading.Thread(target=loop, name=name, daemon=True) for loop in loops]

    def start(self) -> None:
        """Start the threads; once only."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Have the threads end, and wait until they have. May be called again, or before the start."""
        self.stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def pause(self, seconds: float) -> bool:
        """Wait for so many seconds, or until the threads are to end; returns whether they are."""
        return self.stopping.wait(seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
