"""Batches of events: one write to the timeline for many requests."""

from __future__ import annotations

from typing import Any

import orjson

from muster.base.clock import now
from muster.base.timeline import Timeline

FLUSH_EVERY_S = 0.05


class EventBuffer:
    """Events on their way to a timeline. Whoever owns it flushes it every `FLUSH_EVERY_S` seconds and at the end."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._lines: list[bytes] = []

    def add(self, kind: str, *, t: float | None = None, **fields: Any) -> None:
        """Take one event; `t` (CLOCK_MONOTONIC seconds) is now unless given."""
        self._lines.append(orjson.dumps({"t": now() if t is None else t, "kind": kind, **fields}))

    def flush(self) -> None:
        """Write what was taken since the last time.

        Raises:
            TimelineError: it did not reach the file.
        """
        lines, self._lines = self._lines, []
        self._timeline.append_lines(lines)
