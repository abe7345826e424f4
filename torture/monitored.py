"""`python -m torture.monitored FOLDER`: a monitor of a shop that goes through a story, and dies where it is told to.

Its moments are what it asks of the store and of the Alertmanager: before each statement and after it, before each
commit and around each message. The moment of the number that DIES_AT says is its last. A look that was begun is not
made again: whoever comes next finds the shop as it is by then.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from muster.base.clock import utc_iso
from muster.incidents import Book
from muster.monitor.memory import Memory
from muster.monitor.metrics import Metrics
from muster.monitor.monitor import Monitor
from muster.monitor.posting import putting
from muster.monitor.sending import Sending
from muster.monitor.telling import Incidents
from muster.monitoring import Asking
from muster.notices import Post
from muster.snapshot import Missing, Snapshot

DIES_AT = "DIES_AT"
STORE, LOOKS, MOMENTS = "history.sqlite", "looks", "moments"
SYSTEM, CLUSTER = "shop", "staging"
# How many of three requests fail, None where the cluster does not answer; each for so many looks that the loss of one
# changes nothing.
STORY = (*([0] * 3), *([3] * 5), *([None] * 5), *([3] * 6), *([0] * 6), *([1] * 7), *([3] * 5), *([0] * 6))


def main() -> int:
    folder, address = Path(sys.argv[1]), sys.argv[2]
    moments = Moments(folder / MOMENTS, int(os.environ.get(DIES_AT, "0")))
    moments.watch_the_store()
    post = Post.of(None, folder)
    incidents = Incidents(SYSTEM, CLUSTER, STORE, folder, opening=partial(opened, post))
    with Asking(address, limit_s=10, token=None) as asking:
        asking.post = moments.around(asking.post)  # type: ignore[method-assign]
        for number in looks(folder / LOOKS):
            monitor = Monitor(
                gather=lambda number=number: seen(STORY[number]),  # type: ignore[misc]
                remember=lambda: Memory.open(STORE, folder, create=True).of(SYSTEM, CLUSTER),
                metrics=Metrics(SYSTEM),
                tellers=[incidents],
                sending=Sending(asking, SYSTEM, CLUSTER, SYSTEM),
                within=putting(post, SYSTEM, CLUSTER),
            )
            if troubles := monitor.once().troubles:
                print("; ".join(troubles), file=sys.stderr)
                return 1
    return 0


def opened(post: Post, address: str, base: Path, *, create: bool) -> Book:
    """Incidents of which people are told."""
    book = Book.open(address, base, create=create)
    book.post = post
    return book


class Moments:
    """Counts moments, and ends the process at one of them."""

    def __init__(self, path: Path, last: int) -> None:
        self._path, self._last, self._count = path, last, 0

    def passes(self, *_: object, **__: object) -> None:
        """A moment comes."""
        self._count += 1
        if self._count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        if not self._last:
            self._path.write_text(str(self._count))

    def watch_the_store(self) -> None:
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, self.passes)

    def around(self, told: Any) -> Any:
        def telling(*arguments: Any) -> None:
            self.passes()
            told(*arguments)
            self.passes()

        return telling


def looks(path: Path) -> Iterator[int]:
    """The looks of the story that were not begun yet."""
    while (begun := path.stat().st_size if path.exists() else 0) < len(STORY):
        with path.open("ab") as file:
            file.write(b".")
        yield begun


def seen(fails: int | None) -> Snapshot:
    """The shop as it is."""
    known = {"name": SYSTEM, "namespace": SYSTEM, "service": {"name": "web", "port": 80}}
    if fails is None:
        gone = tuple(
            Missing(what, "it does not answer") for what in ("cluster", "service", "Pod", "Service", "ConfigMap")
        )
        return Snapshot(utc_iso(), SYSTEM, system=known, missing=gone)
    said = {"asked": 3, "troubles": ["error: 500"] * fails, "slowest_s": 0.1, "hides": False, "url": "http://web"}
    return Snapshot(utc_iso(), SYSTEM, system=known, answers={"service": said})


if __name__ == "__main__":
    sys.exit(main())
