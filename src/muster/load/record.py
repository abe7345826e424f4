"""What a load generator writes onto the timeline."""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from muster.base.clock import now
from muster.base.event_buffer import EventBuffer
from muster.base.timeline import Timeline
from muster.load.acknowledged import Acknowledged

BEHIND_EVERY_S = 1.0
ELSEWHERE_EVERY_S = 1.0


class Answered(Protocol):
    """What became of a request."""

    outcome: Any
    why: str
    status_code: int | None
    conn: str


@dataclass(frozen=True, slots=True)
class Look:
    """A request that looked at something: its name, when it was sent and done (CLOCK_MONOTONIC seconds), its status,
    and one line on what was wrong."""

    name: str
    sent: float
    done: float
    status: int | None
    why: str


class LoadRecord:
    """The events of one load: requests, and how the load itself fares. Without a timeline it keeps nothing."""

    def __init__(self, timeline: Path | None, *, load: str, profile: str, rate: float) -> None:
        """`load` tells it from other loads of the same drill.

        Raises:
            TimelineError: the timeline cannot be opened.
        """
        self._events = EventBuffer(Timeline(timeline)) if timeline else None
        self._about: dict[str, Any] = {"load": load, "profile": profile, "rate": rate}
        self._behind: str | None = None
        self._since = math.inf
        self._not_sent = 0
        self._late_s = 0.0
        self._told_at = 0.0
        self._elsewhere: dict[str, float] = {}
        self.began = 0  # how many requests were begun
        self.asked = 0  # how many of them were noted
        self.acknowledged = Acknowledged()
        self._missed: set[Hashable] = set()

    def tell(self, state: str, *, at: float | None = None, **fields: Any) -> None:
        """Note a change of the load's own state, `at` a moment (CLOCK_MONOTONIC seconds) or now."""
        if self._events:
            self._tell_behind()
            self._events.add("load", t=at, state=state, **self._about, **fields)

    def rate(self, rate: float, over_s: float, *, at: float, stage: str = "") -> None:
        """Note that from `at` on (CLOCK_MONOTONIC seconds) another rate is wanted, reached over `over_s` seconds."""
        self._about["rate"] = rate
        if self._events:
            named: dict[str, Any] = {"stage": stage} if stage else {}
            self._events.add("load", t=at, state="rate", **self._about, over_s=over_s, **named)

    def behind(self, reason: str, *, since: float, not_sent: int = 0, late_s: float = 0.0) -> None:
        """Note that the load falls short of what was asked for; told at most once a second.

        `since` is the moment (CLOCK_MONOTONIC seconds) at which that which was not done was due, `not_sent` the number
        of requests that are not sent, `late_s` how late the generator was, 0 where it was not.
        """
        # Of several reasons the one that costs requests is told, rather than one that only delays them.
        if self._behind is None or not_sent or not self._not_sent:
            self._behind = reason
        self._since = min(self._since, since)
        self._not_sent += not_sent
        self._late_s = max(self._late_s, late_s)

    def elsewhere(self, address: str, *, wanted: str) -> None:
        """Note that something was about to connect to an `address`, and was not let, as the load goes to `wanted`; told
        at most once a second of each address."""
        moment = now()
        if moment - self._elsewhere.get(address, -math.inf) < ELSEWHERE_EVERY_S:
            return
        self._elsewhere[address] = moment
        what = f"something in load '{self._about['profile']}' was about to connect to {address}"
        reason = f"{what}, while the load goes to {wanted}, and through self.rest alone"
        if not self._events:
            logging.getLogger(__name__).error(reason)
        self.tell("elsewhere", address=address, wanted=wanted, reason=reason)

    def request(self, name: str, intended: float, sent: float, done: float, answer: Answered, *, write: bool) -> None:
        """Note one request; times are CLOCK_MONOTONIC seconds."""
        self.asked += 1
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

    def found(self, identity: Hashable, found: str, look: Look) -> None:
        """Note that something is `lost` or `altered`, if it had been acknowledged before the look at it was sent; or
        that it is the `same` as it was, if it had been missed before."""
        acknowledged = self.acknowledged.before(identity, look.sent)
        if not self._events or acknowledged is None or (found == "same" and identity not in self._missed):
            return
        if found == "same":
            self._missed.discard(identity)
        else:
            self._missed.add(identity)
        self._events.add(
            "load.lost",
            t=look.done,
            load=self._about["load"],
            profile=self._about["profile"],
            name=look.name,
            id=str(identity),
            acknowledged=acknowledged,
            sent=look.sent,
            found=found,
            status=look.status,
            why=look.why,
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
        if not self._events or self._behind is None:
            return
        short: dict[str, Any] = {
            "reason": self._behind,
            "not_sent": self._not_sent,
            "late_s": self._late_s,
            "since": self._since,
        }
        self._events.add("load", state="behind", **self._about, **short)
        self._behind, self._since, self._not_sent, self._late_s, self._told_at = None, math.inf, 0, 0.0, now()
