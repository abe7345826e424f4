"""Which base and which segments of the archive bring a database back to a moment. Pure: it reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from muster.backup.errors import BackupError
from muster.backup.segments import HISTORY, SEGMENT, Line, is_continuous, position
from muster.backup.store import Base, Segment, moment

LATEST = "latest"


@dataclass(frozen=True)
class Plan:
    """What a restore uses: `until` is the moment to which it leads (UTC, ISO 8601), `target` the one at which it must
    stop, None where it goes to the end of all that there is; `timeline` is the one that is followed."""

    base: Base
    segments: tuple[Segment, ...]
    until: str
    target: str | None
    timeline: int


def plan_restore(bases: Sequence[Base], segments: Sequence[Segment], to: datetime | None) -> Plan:
    """The newest base that was ended by `to` with the segments that follow it; `to` None is the latest moment.

    A database that was restored to an earlier moment has gone another way since. The way that was gone at `to` is the
    one that is followed.

    Raises:
        BackupError: there is none, or the archive does not reach so far; the message says how far it does.
    """
    if not bases:
        raise BackupError("there is no backup; take one with 'muster backup'")
    ended = [base for base in bases if to is None or moment(base.ended) <= to]
    if not ended:
        oldest = min(bases, key=lambda base: moment(base.ended))
        raise BackupError(
            f"the oldest backup was ended at {oldest.ended}, after {_text(to)}: nothing leads back to that moment"
        )
    plans = [_from(base, segments, to) for base in sorted(ended, key=lambda one: moment(one.ended))]
    if to is None:
        return max(plans, key=lambda plan: (moment(plan.until), moment(plan.base.ended)))
    reaching = [plan for plan in plans if moment(plan.until) >= to]
    if not reaching:
        until = max((plan.until for plan in plans), key=moment)
        raise BackupError(
            f"the archive leads to {until}, not to {_text(to)}: what was written later is not there; "
            f"right would be --to {until} or earlier, or --to latest"
        )
    plan = reaching[-1]
    return replace(plan, until=_text(to), target=_text(to))


def _from(base: Base, segments: Sequence[Segment], to: datetime | None) -> Plan:
    """What leads on from a base: to the first segment that holds all up to `to`, or as far as there is any."""
    bytes_ = base.segment_bytes
    same = [one for one in segments if one.system_identifier == base.system_identifier]
    histories = [one for one in same if HISTORY.fullmatch(one.name)]
    first, last = position(base.first_segment, bytes_), position(base.last_segment, bytes_)
    line, timeline = [], last.timeline
    for candidate in _timelines(same, to, bytes_) or _timelines(same, None, bytes_):
        history = next((one.history for one in histories if int(one.name[:8], 16) == candidate), "")
        way = Line.of(candidate, history, bytes_)
        if way.holds(last):
            line, timeline = _along(way, base, same), candidate
            break
    found: list[Segment] = []
    numbers = [last.number]
    for one in line:
        at = position(one.name, bytes_)
        if at.number < first.number or (at.number > last.number and not is_continuous([numbers[-1], at.number])):
            continue
        found.append(one)
        numbers.append(max(at.number, last.number))
        if to is not None and one.until and moment(one.until) >= to:
            break
    reached = [one.until for one in found if one.until]
    until = max([base.ended, *reached], key=moment)
    return Plan(base, (*(histories if found else ()), *found), until, None, timeline)


def _timelines(segments: Sequence[Segment], to: datetime | None, segment_bytes: int) -> list[int]:
    """The timelines that were written at a moment or after it, the one of that moment first; for the latest moment the
    newest first."""
    told = [one for one in segments if one.until and (to is None or moment(one.until) >= to)]
    told.sort(key=lambda one: moment(one.until), reverse=to is None)
    return list(dict.fromkeys(position(one.name, segment_bytes).timeline for one in told))


def _along(way: Line, base: Base, segments: Sequence[Segment]) -> list[Segment]:
    """The segments of a way, in their order."""
    found = [
        (at, one)
        for one in segments
        if SEGMENT.fullmatch(one.name)
        for at in [position(one.name, base.segment_bytes)]
        if way.holds(at)
    ]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _text(to: datetime | None) -> str:
    return LATEST if to is None else to.isoformat().replace("+00:00", "Z")
