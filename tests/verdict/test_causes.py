"""Whether what was struck was of one sort: what nothing tells is taken for no cause."""

from __future__ import annotations

import numpy as np
import pytest

from muster.verdict.disruption.causes import Cause, Struck, cause_of
from muster.verdict.reading.requests import KEPT, WRITE, Request, Requests


def struck(*facets: int, hit: str, how: str = "error") -> Struck:
    """A stream whose requests have these facets; `x` in `hit` are those in trouble, the first of them the edge."""
    asked = Requests.of([Request(float(n), n + 0.1, float(n), how, True, 0, facet) for n, facet in enumerate(facets)])
    troubled = np.array([mark == "x" for mark in hit], dtype=np.bool_)
    return Struck(asked, troubled, int(np.flatnonzero(troubled)[0]))


NEW, WRITES = 0, WRITE


@pytest.mark.parametrize(
    ("streams", "cause"),
    [
        # Kept connections are spared, in turns with new ones: a listener that is gone.
        ([struck(*[NEW, KEPT] * 8, hit="x." * 8)], Cause(KEPT, NEW)),
        # Reads are spared, writes are not: a database without a primary. New and kept connections alike.
        ([struck(*[WRITE, NEW, WRITE | KEPT, KEPT] * 4, hit="x." * 8)], Cause(WRITE, WRITE)),
        # Everything fails: nothing was spared that would tell a sort.
        ([struck(*[NEW, KEPT] * 8, hit="x" * 16)], None),
        # A probe that only writes, two turns in trouble: nobody knows whether kept connections only were struck.
        ([struck(WRITE | KEPT, WRITE | KEPT, WRITE, hit="xx.")], None),
        ([struck(WRITE | KEPT, WRITE | KEPT, hit="xx")], None),
        # Too few to tell it from chance.
        ([struck(NEW, KEPT, NEW, hit="x.x")], None),
        # At random.
        ([struck(*[NEW, KEPT] * 8, hit="xx..x.xx.x.xx..x")], None),
        # New connections that write: a sort of two facets, where each alone is not enough.
        ([struck(*[WRITE, NEW, WRITE | KEPT, KEPT] * 5, hit="x..." * 5)], Cause(KEPT | WRITE, WRITE)),
        # Two streams in which different sorts are struck have nothing in common.
        ([struck(*[NEW, KEPT] * 8, hit="x." * 8), struck(*[KEPT, NEW] * 8, hit="x." * 8)], None),
        # Streams that fail in different ways fail for different reasons; connections break in several ways for one.
        ([struck(*[NEW, KEPT] * 8, hit="x." * 8), struck(*[NEW, KEPT] * 8, hit="x." * 8, how="wrong")], None),
        (
            [struck(*[NEW, KEPT] * 8, hit="x." * 8, how=how) for how in ("refused", "reset", "unreachable")],
            Cause(KEPT, NEW),
        ),
        # Every write goes over a new connection: whether it is the writing or the connection, nobody knows.
        ([struck(*[WRITE, KEPT] * 8, hit="x." * 8)], None),
    ],
)
def test_a_cause_is_told_only_where_it_is_the_only_one(streams: list[Struck], cause: Cause | None) -> None:
    assert cause_of(streams, 1) == cause
