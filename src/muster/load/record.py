"""What a load generator writes onto the timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from muster.base.clock import now
from muster.base.timeline import Timeline
from muster.probes.events import EventBuffer

BEHIND_EVERY_S = 1.0


class Answered(Protocol):
    """What became of a request."""

    outcome: Any
    why: str
    status_code: int | None
    conn: str


class LoadRecord:
    """The events of one load: requests, and how the load itself fares. Without a timeline it keeps nothing."""

    def __init__(self, timeline: Path | None, *, profile: str, rate: float) -> None:
        """Raises:
        TimelineError: the timeline cannot be opened.
        """
        self._events = EventBuffer(Timeline(timeline)) if timeline else None
        self._about: dict[str, Any] = {"profile": profile, "rate": rate}
        self._behind: str | None = None
        self._not_sent = 0
        self._told_at = 0.0

    def tell(self, state: str, **fields: Any) -> None:
        """Note a change of the load's own state."""
        if self._events:
            self._tell_behind()
            self._events.add("load", state=state, **self._about, **fields)

    def rate(self, rate: float, over_s: float, *, at: float) -> None:
        """Note that from `at` on (CLOCK_MONOTONIC seconds) another rate is wanted, reached over `over_s` seconds."""
        self._about["rate"] = rate
        if self._events:
            self._events.add("load", t=at, state="rate", **self._about, over_s=over_s)

    def behind(self, reason: str, *, not_sent: int = 0) -> None:
        """Note that the load falls short of what was asked for; told at most once a second."""
        self._behind = reason
        self._not_sent += not_sent

    def request(self, name: str, intended: float, sent: float, done: float, answer: Answered, *, write: bool) -> None:
        """Note one request; times are CLOCK_MONOTONIC seconds."""
        if not self._events:
            return
        self._events.add(
            "request",
            t=done,
            source="load",
            name=name,
            intended=intended,
            sent=sent,
            done=done,
            outcome=answer.outcome,
            status=answer.status_code,
            conn=answer.conn,
            write=write,
            **({"why": answer.why} if answer.why else {}),
        )

    def flush(self) -> None:
        """Write what was noted.

        Raises:
            TimelineError: it did not reach the file.
        """
        if self._events:
            if now() - self._told_at >= BEHIND_EVERY_S:
                self._tell_behind()
            self._events.flush()

    def _tell_behind(self) -> None:
        if self._events and self._behind is not None:
            self._events.add("load", state="behind", **self._about, reason=self._behind, not_sent=self._not_sent)
            self._behind, self._not_sent, self._told_at = None, 0, now()
