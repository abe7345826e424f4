"""Names of segments of PostgreSQL's write-ahead log: what comes after what, and what is missing between.

A name is 24 hexadecimal digits: the timeline, and a number in two parts of which the second goes up to what 4 GiB hold
(PostgreSQL, "WAL Internals" and src/include/access/xlog_internal.h).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"[0-9A-F]{8}\.history")
MIB = 1 << 20


@dataclass(frozen=True, order=True)
class Position:
    """Where a segment stands: its number counts up through all timelines."""

    number: int
    timeline: int


def position(name: str, segment_bytes: int = 16 * MIB) -> Position:
    """The position of a segment's name."""
    timeline, log, part = (int(name[start : start + 8], 16) for start in (0, 8, 16))
    return Position(log * ((1 << 32) // segment_bytes) + part, timeline)


def to_ship(
    present: Iterable[str], current: str, shipped: Sequence[str], segment_bytes: int = 16 * MIB
) -> tuple[list[str], bool]:
    """Which of the files in `pg_wal` are whole and were not shipped yet, in their order, and whether one is missing
    between what was shipped last and them.

    `current` is the segment that is being written. After a promotion, or a restore, its timeline is newer than that of
    what was shipped, and begins with a segment that holds the end of the one before as well.
    """
    now = position(current, segment_bytes)
    known = [(position(name, segment_bytes), name) for name in present if SEGMENT.fullmatch(name)]
    whole = [(at, name) for at, name in known if at.number < now.number and at.timeline <= now.timeline]
    begins = min((at.number for at, _ in whole if at.timeline == now.timeline), default=now.number)
    last = position(shipped[-1], segment_bytes) if shipped else None
    sent = set(shipped)
    fresh = sorted(
        (at, name)
        for at, name in whole
        if name not in sent
        and (
            at.timeline == now.timeline
            or (at.number < begins and (last is None or (at.number > last.number and at.timeline >= last.timeline)))
        )
    )
    names = [name for _, name in fresh]
    if last is None:
        return names, False
    if last.timeline == now.timeline:
        fresh = [(at, name) for at, name in fresh if at.number > last.number]
        names = [name for _, name in fresh]
    first = fresh[0][0].number if fresh else now.number
    return names, first > last.number + 1


def is_continuous(numbers: Sequence[int]) -> bool:
    """Whether nothing is missing between segments of these numbers."""
    return all(later - earlier in (0, 1) for earlier, later in pairwise(numbers))


@dataclass(frozen=True)
class Line:
    """A timeline with those that it goes back to: `ends` has, for each of them, the number of the segment in which the
    next one begins; oldest first, itself last and without an end."""

    ends: tuple[tuple[int, int | None], ...]

    @classmethod
    def of(cls, timeline: int, history: str, segment_bytes: int) -> Line:
        """Of a timeline's history file (PostgreSQL, "Timelines"); one without any goes back to nothing."""
        ends: list[tuple[int, int | None]] = []
        for text in history.splitlines():
            found = re.match(r"\s*(\d+)\s+([0-9A-Fa-f]+)/([0-9A-Fa-f]+)", text)
            if found:
                place = (int(found[2], 16) << 32) + int(found[3], 16)
                ends.append((int(found[1]), place // segment_bytes))
        return cls((*ends, (timeline, None)))

    def holds(self, at: Position) -> bool:
        """Whether a segment belongs to it."""
        begins = 0
        for timeline, end in self.ends:
            if timeline == at.timeline:
                return begins <= at.number and (end is None or at.number <= end)
            begins = end or 0
        return False
