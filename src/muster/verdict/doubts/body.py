"""Whether the body of the drill came to its end."""

from __future__ import annotations

from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason


def lasted_too_long(record: Record) -> list[Reason]:
    """Whether the guardian took the fault back, as it had lasted as long as it may."""
    if record.stopped is None or record.stopped[0] >= record.judged_at:
        return []
    return [Reason(f"the drill was stopped: {record.stopped[1]}", "see what the drill waited for")]


def body_ended(record: Record) -> list[Reason]:
    """Whether the drill's body came to its end. One that was killed left no word at all."""
    if record.ended == "passed":
        return []
    if record.ended is None:
        return [Reason("the drill's body never ended: its process died", "see the session's log, run it again")]
    if record.ended.startswith("interrupted"):
        by = record.ended.removeprefix("interrupted").strip(" :")
        return [Reason(f"the drill was interrupted{f' {by}' if by else ''}", "run it again")]
    return [Reason(f"the drill's body ended early: {record.ended}", "see the traceback below")]
