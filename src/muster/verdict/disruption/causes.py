"""Whether trouble struck one sort of requests only: those over new or over kept connections, those that write or read.

A listener that is gone fails new connections and leaves kept ones alone; a database that lost its primary fails writes
and answers reads. A stream of the prober asks over both kinds of connections in turns, so that half of its requests
fail then. That is no chance of one half: each good answer of the struck sort excludes trouble, and none of others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muster.verdict.disruption.edges import NEXT_TO
from muster.verdict.reading.requests import KEPT, OUTCOMES, WRITE, Codes, Mask, Requests

MOSTLY = 0.8  # of the struck sort at least so many fail: one that was under way at the edge may have had luck
BROKEN = ("refused", "reset", "empty", "unreachable")
HARDLY = 0.05  # chance would strike just these and spare just the others less often than this


@dataclass(frozen=True, slots=True)
class Struck:
    """A stream in trouble at an edge: its requests, which of them are troubled, and the violation next to the edge."""

    asked: Requests
    troubled: Mask
    edge: int

    @property
    def symptom(self) -> str:
        """How the request at the edge failed; connections that break in whatever way are one symptom."""
        outcome = OUTCOMES[int(self.asked.outcome[self.edge])]
        return "broken" if outcome in BROKEN else outcome

    def inside(self, step: int) -> tuple[Codes, Mask]:
        """Facets and trouble of its requests inside of the edge, nearest first, up to the last troubled among the first
        few. `step` is the way into the trouble, 1 or -1."""
        first = self.edge if step > 0 else max(self.edge - NEXT_TO + 1, 0)
        near = slice(first, self.edge + NEXT_TO if step > 0 else self.edge + 1)
        facets, hit = self.asked.facet[near][::step], self.troubled[near][::step]
        until = int(np.flatnonzero(hit)[-1]) + 1
        return facets[:until], hit[:until]


@dataclass(frozen=True, slots=True)
class Cause:
    """What struck only some requests: those over new (or kept) connections, those that write (or read), or both."""

    facets: int
    struck: int

    def alike(self, facets: Codes) -> Mask:
        """Which requests it strikes."""
        return np.asarray((facets & self.facets) == self.struck)


def cause_of(streams: Sequence[Struck], step: int) -> Cause | None:
    """What struck all requests of one sort and none of the others, the same in all streams; None where nothing did,
    where chance explains it as well, where it may be either of two sorts, or where streams fail in different ways."""
    if len({s.symptom for s in streams}) > 1:
        return None
    told = [s.inside(step) for s in streams]
    alone = [cause for facets in (KEPT, WRITE) if (cause := _only(facets, streams, told))]
    if len(alone) == 1:
        return alone[0]
    return None if alone else _only(KEPT | WRITE, streams, told)


def _only(facets: int, streams: Sequence[Struck], told: Sequence[tuple[Codes, Mask]]) -> Cause | None:
    """The cause that concerns these facets, if there is one."""
    causes = {Cause(facets, int(s.asked.facet[s.edge]) & facets) for s in streams}
    if len(causes) > 1:
        return None
    (cause,) = causes
    return cause if all(_explains(cause, *one) for one in told) and _unlikely(cause, told) else None


def _explains(cause: Cause, facets: Codes, hit: Mask) -> bool:
    alike = cause.alike(facets)
    return not bool((hit & ~alike).any()) and int(hit.sum()) >= MOSTLY * int(alike.sum())


def _unlikely(cause: Cause, told: Sequence[tuple[Codes, Mask]]) -> bool:
    """Whether chance would hardly strike just these and spare just the others. Where none of the others was asked,
    nothing tells that they would have been spared."""
    hits = sum(int(hit.sum()) for _, hit in told)
    spared = sum(int((~cause.alike(facets)).sum()) for facets, _ in told)
    share = hits / (hits + spared)
    return spared > 0 and hits * math.log(share) + spared * math.log(1 - share) < math.log(HARDLY)
