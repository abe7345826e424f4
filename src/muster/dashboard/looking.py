"""Looking again and again, each thing in a thread of its own: what hangs keeps nothing else waiting, the keys least."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from muster.base.clock import now
from muster.snapshot.asking import Part, ask

GRACE_S = 1.0  # a look that keeps to the limit by itself says more than one that is cut


@dataclass(frozen=True)
class Looked:
    """One thing that is looked at: `get` gets it, which may hang; `put` is called with what came, `lost` with why
    nothing did."""

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], None]
    lost: Callable[[str, str], None]

    def once(self, within_s: float) -> None:
        """Look once, and wait for so many seconds at most."""
        heard = ask([Part(self.name, self.get)], now() + within_s + GRACE_S)
        if self.name in heard.values:
            self.put(heard.values[self.name])
        else:
            why = heard.missing[self.name]
            self.lost(self.name, f"{why} ({within_s:g} s)" if why == "no answer in time" else why)


@contextmanager
def looking(looked: Sequence[Looked], *, every_s: float, within_s: float) -> Iterator[threading.Event]:
    """Look at all of them every so many seconds, for as long as the block lasts. Yields what ends it when it is set.

    A look that takes long is followed by the next only after as long again: who is slow is not asked more for it.
    """
    stopping = threading.Event()

    def run(one: Looked) -> None:
        while not stopping.is_set():
            began = now()
            one.once(within_s)
            took = now() - began
            stopping.wait(max(every_s - took, min(took, every_s)))

    for one in looked:
        threading.Thread(target=run, args=(one,), name=f"look at {one.name}", daemon=True).start()
    try:
        yield stopping
    finally:
        stopping.set()
