"""Requests in columns, and which of them were violated.

A violation is a request that was refused, reset, not answered within its limit, answered 5xx or answered wrongly
(MEASURES.md, Violation). A clean refusal of excess load (`shed`) is one too, unless the drill declares an overload.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

OUTCOMES = frozenset(
    ("ok", "refused", "reset", "empty", "timeout", "unreachable", "error", "wrong", "shed"),
)
# The client learns of these the moment they happen; of the others it cannot tell when they went wrong.
PROMPT = frozenset(("refused", "reset", "empty"))


class Request(NamedTuple):  # a million of them are made in a second, of a frozen dataclass a third
    """One request. Times are CLOCK_MONOTONIC seconds."""

    sent: float
    done: float
    intended: float
    outcome: str
    bad: bool

    @property
    def noticed(self) -> float:
        """The moment to which a violation is charged: when it was seen, or when the request was sent.

        A connection that breaks tells at once. An answer that did not come in time, or came as an error after a wait,
        speaks of the service at some moment since it was sent: charging it to its end would draw every outage
        longer by the time limit.
        """
        return self.done if self.outcome in PROMPT else self.sent


@dataclass(slots=True)
class Stream:
    """The requests of one probe, or all of the load, sorted by `sent`.

    `every_s` is the mean time between two requests that were wanted, `limit_s` the time an answer may take.
    """

    name: str
    every_s: float
    limit_s: float | None = None
    write: bool = False
    requests: list[Request] = field(default_factory=list)

    def violations(self) -> Iterator[Request]:
        """The violated requests, in order of sending."""
        return (request for request in self.requests if request.bad)

    def longest_answer(self, before: float) -> float | None:
        """The longest time that a good answer took before that moment, or None where there was none."""
        return max((r.done - r.sent for r in self.requests if not r.bad and r.done <= before), default=None)

    @property
    def silence_allowed(self) -> float:
        """How long the stream may be quiet before its figures count as missing: 1 s, or ten turns if that is longer."""
        return max(1.0, 10 * self.every_s)

    @property
    def seen_until(self) -> float:
        """Up to when the stream speaks for the service: one turn after its last request was sent."""
        return self.requests[-1].sent + max(2 * self.every_s, 0.1) if self.requests else float("-inf")

    def silences(self, start: float, end: float) -> Iterator[tuple[float, float]]:
        """Stretches within [start, end] that are too long without a request sent or under way."""
        quiet_since = start
        for request in self.requests:
            if request.done < start:
                continue
            if request.sent > end:
                break
            if request.sent - quiet_since > self.silence_allowed:
                yield quiet_since, request.sent
            quiet_since = max(quiet_since, request.done)
        if end - quiet_since > self.silence_allowed:
            yield quiet_since, end
