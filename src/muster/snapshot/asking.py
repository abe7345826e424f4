"""Asking for several things side by side, each answer on its own, all of them by a deadline.

What hangs is left behind: a thread that waits for an answer cannot be ended, but nobody has to wait for it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from muster.base.clock import now
from muster.base.errors import MusterError
from muster.snapshot.model import Missing

WORKERS = 8  # that one server is asked by at once, as politeness wants it
LATE = "no answer in time"


class Part(NamedTuple):
    """One thing to be asked for, by its name: `get` gets it."""

    name: str
    get: Callable[[], Any]


@dataclass
class Heard:
    """What has come by now. Threads that come late write into it still, and nobody looks any more."""

    values: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def lacking(self) -> list[Missing]:
        return [Missing(*one) for one in self.missing.items()]

    def answers(self) -> dict[str, Any]:
        return {name: value for name, value in sorted(self.values.items()) if value is not None}


class Beside:
    """Parts that are asked for while other things are done."""

    def __init__(self, parts: Sequence[Part], deadline: float, *, workers: int = WORKERS) -> None:
        self._heard = Heard(missing={part.name: LATE for part in parts})
        self._thread = threading.Thread(target=self._ask, args=(parts, deadline, workers), daemon=True)
        self._thread.start()
        self._deadline = deadline

    def _ask(self, parts: Sequence[Part], deadline: float, workers: int) -> None:
        self._heard = ask(parts, deadline, workers=workers)

    def heard(self) -> Heard:
        self._thread.join(max(self._deadline - now(), 0) + 0.2)
        return self._heard


def ask(parts: Sequence[Part], deadline: float, *, workers: int = WORKERS) -> Heard:
    """Ask for parts, so many side by side, until all have come or the deadline is over (CLOCK_MONOTONIC seconds)."""
    heard, todo, done = Heard(), queue.SimpleQueue[Part](), threading.Semaphore(0)
    for part in parts:
        todo.put(part)

    def work() -> None:
        while now() < deadline:
            try:
                _ask_one(todo.get_nowait(), heard)
            except queue.Empty:
                return
            done.release()

    for _ in range(min(workers, len(parts))):
        threading.Thread(target=work, daemon=True).start()
    for _ in parts:
        if not done.acquire(timeout=max(deadline - now(), 0)):
            break
    taken = Heard(dict(heard.values), dict(heard.missing))
    for part in parts:
        if part.name not in taken.values and part.name not in taken.missing:
            taken.missing[part.name] = LATE
    return taken


def _ask_one(part: Part, heard: Heard) -> None:
    try:
        heard.values[part.name] = part.get()
    except MusterError as error:
        heard.missing[part.name] = " ".join(str(error).split())[:300]
    except Exception as error:  # noqa: BLE001 - an answer that nobody has met yet costs its own part only
        heard.missing[part.name] = f"{type(error).__name__}: {error}"[:300]
