"""All that casts doubt on a green, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Sequence

from muster.verdict.disruption.look import Look
from muster.verdict.disruption.watching import under_turns
from muster.verdict.doubts.body import body_ended, lasted_too_long
from muster.verdict.doubts.origin import check_origin
from muster.verdict.doubts.procedure import check_procedure
from muster.verdict.doubts.relapse import contradicted, relapsed, unanswered
from muster.verdict.doubts.struck import check_experiments, check_late, check_taken_back
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason


def doubts_about(record: Record, seen: Look, *, requiring: Sequence[Reason], writes: Sequence[Reason]) -> list[Reason]:
    """`requiring` is what speaks against what the drill said that it requires, `writes` against the look at them."""
    return [
        *lasted_too_long(record),
        *body_ended(record),
        *requiring,
        *seen.doubts,
        *check_late(record),
        *check_taken_back(record),
        *check_experiments(record),
        *under_turns(record, seen.disruption.end),
        *check_origin(record),
        *check_procedure(record, seen.recovered),
        *relapsed(record, seen.disruption),
        *unanswered(record, seen.disruption),
        *contradicted(record, seen.recovered.by),
        *writes,
    ]
