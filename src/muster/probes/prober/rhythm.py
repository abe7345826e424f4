"""When a probe asks: its own rhythm, and a quicker one around the edges of an outage.

A probe that is not answered at all (refused, reset, closed, timed out, unreachable) costs the service nothing, and says
that the end of an outage is to come. From then on it asks in between as well, at the *edge rhythm*, until it has been
answered three times in a row, the kind of connection (new or kept) that failed included. An answer that is bad (shed,
error, wrong) ends the edge rhythm at once: an overloaded service is never asked more.

The turns in between divide a probe's own gap into equal parts, so that all intended times stay on one grid. How many
parts is shared out beforehand: all probes together never ask more than `max_requests_per_s`, a write counting as two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.system.parts import ProberLimits

NOT_ANSWERED = frozenset((Outcome.REFUSED, Outcome.RESET, Outcome.EMPTY, Outcome.TIMEOUT, Outcome.UNREACHABLE))
PARTS = 4  # of its own gap, where system.yaml does not say how quick the edge rhythm is
ANSWERED_IN_A_ROW = 3
# Where no connection can be kept, an answer over a kept one is not waited for.
ANSWERED_ANYHOW = 4 * ANSWERED_IN_A_ROW


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A probe asks every `every_s` seconds, at the edges of an outage every `every_s / parts`."""

    every_s: float
    limit_s: float
    requests: int = 1  # that one turn costs
    parts: int = 1

    @property
    def edge_s(self) -> float:
        return self.every_s / self.parts

    @property
    def bound(self) -> int:
        """How many turns may be under way: a write may take its limit twice, so that many at the quickest rhythm, and
        as many again as one limit holds. Only this process's own delay gets there."""
        return max(2, math.ceil(3 * self.limit_s / self.edge_s))

    def cost(self, parts: int) -> float:
        """Requests per second, at most, with so many parts."""
        return self.requests * parts / self.every_s

    def between(self, start: float, moment: float) -> float:
        """The first turn after `moment` that only the edge rhythm has; its own rhythm began at `start`."""
        number = math.floor((moment - start) / self.edge_s) + 1
        if start + number * self.edge_s <= moment:  # the division was rounded
            number += 1
        if number % self.parts == 0:
            number += 1
        return start + number * self.edge_s


def share_out(rhythms: Sequence[Rhythm], limits: ProberLimits) -> list[Rhythm]:
    """The rhythms with as many parts as the limits allow; the coarsest is refined first, since service is back only
    when each probe has been answered."""
    most = [_most_parts(rhythm, limits.edge_every_s) for rhythm in rhythms]
    parts = [1] * len(rhythms)

    def total(index: int) -> float:
        return sum(r.cost(n + (i == index)) for i, (r, n) in enumerate(zip(rhythms, parts, strict=True)))

    while True:
        fit = [i for i, n in enumerate(parts) if n < most[i] and total(i) <= limits.max_requests_per_s * (1 + 1e-9)]
        if not fit:
            break
        parts[max(fit, key=lambda i: rhythms[i].every_s / parts[i])] += 1
    return [Rhythm(r.every_s, r.limit_s, r.requests, n) for r, n in zip(rhythms, parts, strict=True)]


def _most_parts(rhythm: Rhythm, edge_every_s: float | None) -> int:
    if edge_every_s is None:
        return PARTS
    return max(1, math.floor(rhythm.every_s / edge_every_s + 1e-9))


@dataclass(slots=True)
class Edge:
    """Whether a probe is at the edge of an outage, by its answers in the order in which they came."""

    near: bool = False
    _answered: int = 0
    _failed: set[str] = field(default_factory=set)  # kinds of connection, not answered since

    def note(self, answer: Answer) -> None:
        """Take in what became of a turn."""
        if answer.outcome in NOT_ANSWERED:
            self.near, self._answered = True, 0
            self._failed.add(answer.conn)
            return
        self._answered += 1
        self._failed.discard(answer.conn)
        enough = ANSWERED_ANYHOW if self._failed else ANSWERED_IN_A_ROW
        if answer.outcome is not Outcome.OK or self._answered >= enough:
            self.near, self._answered = False, 0
            self._failed.clear()
