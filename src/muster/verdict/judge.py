"""From a drill's timeline to its verdict.

Order of decisions:

1. The data say nothing: no declaration, damaged events, nothing watched, not steady before, the fault not landed, the
   clock broken. Unknown, whatever the figures look like; none are given.
2. A required objective was definitely missed: missed, even if the drill's body crashed later, never judged, or a stream
   fell silent after what condemns it was seen. A limit that was passed stays passed. What cannot be relied on any more
   (an upper bound, once the load was silent; RTO, once a required probe was) is unknown instead.
3. Anything that casts doubt on a green: the body crashed, nothing was judged, a stream fell silent, the procedure did
   not run or was not needed, service broke again after the hold. Unknown.
4. The required objectives: unknown if any is, else met.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from muster.base.errors import MusterError
from muster.base.timeline import Event, TimelineError, read_timeline
from muster.verdict.conclusion.conclude import begun, conclude, unreadable, void
from muster.verdict.conclusion.story import tell
from muster.verdict.disruption.landed import judge_landed
from muster.verdict.disruption.look import look
from muster.verdict.doubts.body import body_ended
from muster.verdict.doubts.clock import check_clock
from muster.verdict.doubts.doubts import doubts_about
from muster.verdict.doubts.nothing import says_nothing
from muster.verdict.entry import DrillVerdict
from muster.verdict.objectives.figures import judge_objectives
from muster.verdict.objectives.required import required_of
from muster.verdict.reading.events import DamagedTimelineError
from muster.verdict.reading.read import read_record
from muster.verdict.reading.record import Record
from muster.verdict.reading.saved import Saved, read_saved


def judge_file(path: Path) -> DrillVerdict:
    """The verdict on the drill of a saved timeline. What cannot be understood of it is unknown.

    Raises:
        TimelineError: there is no such file, or it is no timeline.
    """
    try:
        return judge(read_saved(path))
    except DamagedTimelineError as error:
        return unreadable(_heads(path), error)


def judge(told: Saved | Sequence[Event]) -> DrillVerdict:
    """The verdict on a drill. Never raises for what a timeline holds: what cannot be understood is unknown."""
    try:
        record = read_record(told)
    except MusterError as error:
        return unreadable(told.events if isinstance(told, Saved) else told, error)
    return _judge(record)


def _judge(record: Record) -> DrillVerdict:
    landed = judge_landed(record)
    required, requiring = required_of(record)
    entry = begun(record, landed, required)
    if nothing := says_nothing(record, landed):
        return void(entry, required, [*nothing, *body_ended(record)])
    seen = look(record, landed)
    if nothing := check_clock(record, seen.judged_until(record.declared.hold_s)):
        return void(entry, required, [*nothing, *body_ended(record)])
    writes = judge_objectives(entry, record, seen, required)
    tell(entry, record, seen)
    return conclude(entry, required, doubts_about(record, seen, requiring=requiring, writes=writes))


def _heads(path: Path) -> list[Event]:
    """What can be read of a damaged timeline's events."""
    try:
        return read_timeline(path)
    except TimelineError:
        return []
