"""Which backups need not be kept any longer. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from muster.backup.segments import SEGMENT, position
from muster.backup.store import Base, Segment, moment


@dataclass(frozen=True)
class Expired:
    """What may go."""

    bases: tuple[Base, ...]
    segments: tuple[Segment, ...]


def expired(
    bases: Sequence[Base],
    segments: Sequence[Segment],
    verified: Collection[str],
    *,
    days: float,
    least: int,
    at: datetime,
) -> Expired:
    """Bases that are older than `days`, and what of the archive leads from none of the others.

    Kept in any case: the newest `least`, and the newest of which `verified` has the id, without which nothing would be
    known to work.
    """
    by_age = sorted(bases, key=lambda base: moment(base.ended))
    kept = {base.id for base in by_age[-least:]} if least else set()
    kept |= {base.id for base in [base for base in by_age if base.id in verified][-1:]}
    kept |= {base.id for base in by_age if moment(base.ended) > at - timedelta(days=days)}
    # Every moment within the time kept must be reached: so the last base before it stays, too.
    before = [base for base in by_age if moment(base.ended) <= at - timedelta(days=days)]
    if before and len(before) < len(by_age):
        kept.add(before[-1].id)
    gone = tuple(base for base in by_age if base.id not in kept)
    stay = [base for base in by_age if base.id in kept]
    if not stay:
        return Expired(gone, ())
    segment_bytes = stay[-1].segment_bytes
    first = min(position(base.first_segment, segment_bytes).number for base in stay)
    unneeded = (
        one for one in segments if SEGMENT.fullmatch(one.name) and position(one.name, segment_bytes).number < first
    )
    return Expired(gone, tuple(unneeded))
