"""Requests in columns, and which of them were violated.

A violation is a request that was refused, reset, not answered within its limit, answered 5xx or answered wrongly
(docs/measurement.md, Violation). A clean refusal of excess load (`shed`) is one too, unless the drill declares an
overload. What a load reads of a write that is lost is `gone`, where the drill allows a loss (docs/measurement.md,
Writes).

Columns, because a timeline may hold millions of requests: everything that is asked of them is asked of arrays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

TOLD = ("ok", "refused", "reset", "empty", "timeout", "unreachable", "error", "wrong", "shed")  # on a timeline
OUTCOMES = (*TOLD, "gone")
CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
KEPT, WRITE = 1, 2  # facets of a request: over a kept connection, and one that writes
# The client learns of these the moment they happen; of the others it cannot tell when they went wrong.
SILENT_S = 1.0  # a stream that asks nothing for longer than that, and ten of its turns, looked at nothing
PROMPT = ("refused", "reset", "empty")
_PROMPT = np.isin(np.arange(len(OUTCOMES)), [CODES[outcome] for outcome in PROMPT])


class Request(NamedTuple):
    """One request. Times are CLOCK_MONOTONIC seconds."""

    sent: float
    done: float
    intended: float
    outcome: str
    bad: bool
    name: int = 0
    facet: int = 0


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests, one column a field, all of one length. Times are CLOCK_MONOTONIC seconds.

    `outcome` holds places in `OUTCOMES`, `name` places in a list of names that whoever owns the requests keeps. Slices,
    masks and arrays of places select rows, as of an array.
    """

    sent: Seconds
    done: Seconds
    intended: Seconds
    outcome: Codes
    bad: Mask
    name: npt.NDArray[np.uint16]
    facet: Codes  # KEPT and WRITE, added up

    __iter__ = None  # one by one they would take a hundred times as long, and by accident

    @classmethod
    def of(cls, requests: Iterable[Request]) -> Self:
        """The columns of single requests, in their order."""
        columns = list(zip(*requests, strict=True)) or [()] * len(fields(cls))
        sent, done, intended, outcome, bad, name, facet = columns
        return cls(
            np.array(sent, dtype=np.float64),
            np.array(done, dtype=np.float64),
            np.array(intended, dtype=np.float64),
            np.array([CODES[word] for word in outcome], dtype=np.uint8),
            np.array(bad, dtype=np.bool_),
            np.array(name, dtype=np.uint16),
            np.array(facet, dtype=np.uint8),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All rows of several, in their order."""
        return cls(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)))

    def __len__(self) -> int:
        return len(self.sent)

    def __getitem__(self, rows: slice | Mask | npt.NDArray[np.intp]) -> Self:
        return type(self)(*(getattr(self, column.name)[rows] for column in fields(self)))

    def at(self, row: int) -> Request:
        """One request by its place."""
        return Request(
            float(self.sent[row]),
            float(self.done[row]),
            float(self.intended[row]),
            OUTCOMES[self.outcome[row]],
            bool(self.bad[row]),
            int(self.name[row]),
            int(self.facet[row]),
        )

    def sorted_by(self, column: Seconds) -> Self:
        """The same in the order of one of its columns; equal ones keep their order."""
        if bool(np.all(column[1:] >= column[:-1])):
            return self
        return self[np.argsort(column, kind="stable")]

    def became(self, *outcomes: str) -> Mask:
        """Which of them had one of these outcomes."""
        wanted = np.isin(np.arange(len(OUTCOMES)), [CODES[outcome] for outcome in outcomes])
        return np.asarray(wanted[self.outcome])

    @property
    def apart(self) -> Mask:
        """Which of them are neither good nor bad: what was shed in a declared overload, and what asked for a lost write
        where a loss is allowed."""
        return self.became("shed", "gone") & ~self.bad

    @property
    def noticed(self) -> Seconds:
        """The moments to which violations are charged: when they were seen, or when the requests were sent.

        A connection that breaks tells at once. An answer that did not come in time, or came as an error after a wait,
        speaks of the service at some moment since it was sent: charging it to its end would draw every outage
        longer by the time limit.
        """
        return np.where(_PROMPT[self.outcome], self.done, self.sent)


def none() -> Requests:
    """No requests at all."""
    return Requests.of([])


@dataclass(slots=True)
class Stream:
    """The requests of one probe, or all of the load, sorted by `sent`.

    `every_s` is the mean time between two requests that were wanted, `limit_s` the time an answer may take.
    """

    name: str
    every_s: float
    limit_s: float | None = None
    write: bool = False
    requests: Requests = field(default_factory=none)

    def since(self, moment: float) -> Stream:
        """The same with those requests alone that were sent from a moment on."""
        begin = int(np.searchsorted(self.requests.sent, moment))
        return Stream(self.name, self.every_s, self.limit_s, self.write, self.requests[begin:])

    def violations(self) -> Requests:
        """The violated requests, in order of sending."""
        return self.requests[self.requests.bad]

    def longest_answer(self, before: float) -> float | None:
        """The longest time that a good answer took before that moment, or None where there was none."""
        asked = self.requests
        took = (asked.done - asked.sent)[~asked.bad & (asked.done <= before)]
        return float(took.max()) if len(took) else None

    def patience(self, before: float) -> float:
        """The time after which an answer is overdue: twice the longest that a good one took before that moment."""
        usual = self.longest_answer(before)
        return math.inf if usual is None else 2 * usual

    def overdue_before(self, moment: float) -> Mask:
        """Which requests were done before a moment, or should have been: what came of them then is not its fault."""
        return np.minimum(self.requests.done, self.requests.sent + self.patience(moment)) < moment

    @property
    def silence_allowed(self) -> float:
        """How long the stream may be quiet before its figures count as missing: 1 s, or ten turns if that is longer."""
        return max(SILENT_S, 10 * self.every_s)

    @property
    def seen_until(self) -> float:
        """Up to when the stream speaks for the service: one turn after its last request was sent."""
        if not len(self.requests):
            return float("-inf")
        return float(self.requests.sent[-1]) + max(2 * self.every_s, 0.1)

    def silences(self, start: float, end: float, *, allowed: float | None = None) -> list[tuple[float, float]]:
        """Stretches within [start, end] without a request sent or under way that are longer than `allowed` seconds, or
        than is allowed in any case."""
        inside = (self.requests.done >= start) & (self.requests.sent <= end)
        quiet_since = np.maximum.accumulate(np.concatenate([[start], self.requests.done[inside]]))
        until = np.concatenate([self.requests.sent[inside], [end]])
        long = until - quiet_since > (self.silence_allowed if allowed is None else allowed)
        return [(float(a), float(b)) for a, b in zip(quiet_since[long], until[long], strict=True)]
