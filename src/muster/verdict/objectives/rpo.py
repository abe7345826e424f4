"""RPO: how far back acknowledged data was lost (ISO 22301), and how many writes.

Value: start of the disruption (where there was none, the injection) minus the acknowledgement of the oldest lost write,
0 where none is lost. Where the last lost write was acknowledged after that start, the value counts back from it: what
is lost is the history between the two. The true point of loss lies between the last write that was kept and the first
that was lost, so the value comes with [low, high]; where none is lost, high is the time between the last acknowledged
write and the disruption, in which a loss would have gone unseen.

Where all that was written is lost, the writes do not say how far back the loss goes. A procedure that brought data back
from a copy says to which moment (`recovery_point_s`): then that counts, unless writes from before that moment are lost.

A write is lost if what was acknowledged is gone, altered or there twice. A write whose answer is not known may be there
or not; altered or twice it counts as lost, too. What the load wrote, was acknowledged to it, and was gone or altered by
its own reading after the disruption is lost as well.

The check counts only if writes were acknowledged in the last second before the disruption, attempted throughout it, and
all that were acknowledged before the look after the recovery began were looked for. Lost writes are lost even where the
check does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from muster.verdict.disruption.measure import Disruption, Instant
from muster.verdict.entry import LostWrite, RpoEntry
from muster.verdict.reading.facts import LoadLook, Readback, Write
from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason
from muster.verdict.verdicts import Verdict, at_most, combine

READ_ONLY = "RPO not judged: the system declares no ledger, so nothing was written"
CLOCKS_S = 1.0  # by how much the clocks of the database and of this machine may differ
_LOST = ("lost", "altered", "duplicated")
_WORST_FIRST = (*_LOST, "same", "unread")


@dataclass(frozen=True, slots=True)
class RpoResult:
    """The entry, each lost write, and why the check does not count (empty where it does)."""

    entry: RpoEntry
    lost: list[LostWrite]
    reasons: list[Reason]


def judge_rpo(record: Record, disruption: Disruption, required: set[str]) -> RpoResult:
    """What became of the writes of the ledger."""
    declared = record.declared
    injected = record.injected or 0.0
    start = disruption.start or Instant(injected, injected, injected)
    found = {write.id: _found(record, write, disruption.end) for write in record.writes}
    by_load = _lost_to_the_load(record, disruption)
    lost = [write for write in record.writes if _is_lost(write, found[write.id])]
    lost += [_as_write(look) for look in by_load]
    unread = _unread(record, found, disruption.end)
    wanted = bool({"rpo", "lost_writes"} & required)
    reasons = list(_why_not(record, disruption, start, unread)) if wanted or record.writes else []
    entry = _counts(record, start, lost, unread)
    entry.lost_by_load = len(by_load)
    entry.target_s, entry.max_lost_writes = declared.rpo_target_s, declared.max_lost_writes
    entry.counts = not reasons if wanted else None
    if record.recovery_points:
        entry.recovery_point_s = round(start.at - min(record.recovery_points), 4)
    if declared.read_only:
        entry.why = READ_ONLY
    if lost or not reasons:
        _measure(record, entry, start, lost)
        if lost and record.recovery_points and entry.high_s is None:
            reasons.append(_contradicted(lost))
    if "lost_writes" in required:
        entry.lost_verdict = _judge_lost(len(lost), declared.max_lost_writes, counts=not reasons)
    if "rpo" in required:
        entry.target_verdict = _judge_target(entry, counts=not reasons)
    verdicts = [verdict for verdict in (entry.target_verdict, entry.lost_verdict) if verdict is not None]
    entry.verdict = combine(verdicts) if verdicts else None
    ledger = [_named(record, write, found[write.id].found, start) for write in lost if write.id in found]
    named = [*ledger, *(_named_by_load(look, start) for look in by_load)]
    if not wanted and by_load:
        reasons.append(_unjudged(by_load))
    return RpoResult(entry, named, reasons if wanted or by_load else [])


def _named(record: Record, write: Write, how: str, start: Instant) -> LostWrite:
    later = "same" if any(look.found == "same" for look in record.readbacks.get(write.id, [])) else None
    return LostWrite(id=write.id, how=how, later=later, acknowledged_s=_before(write, start))


def _named_by_load(look: LoadLook, start: Instant) -> LostWrite:
    return LostWrite(id=look.id, how=look.found, by="load", acknowledged_s=round(start.at - look.acknowledged, 4))


def _contradicted(lost: list[Write]) -> Reason:
    first = min(lost, key=lambda write: write.ended)
    before = f"{first.id} too, which was acknowledged before the moment to which the data were brought back"
    return Reason(f"all writes were lost, {before}", "see what the procedure brought back, and from where")


def _unjudged(looks: list[LoadLook]) -> Reason:
    what = (
        f"{len(looks)} writes that were acknowledged to the load were not found again ({looks[0].id}: {looks[0].why})"
    )
    return Reason(f"{what}, and the drill does not judge what is lost", "require the RPO: objectives.judge(rpo=writes)")


def _lost_to_the_load(record: Record, disruption: Disruption) -> list[LoadLook]:
    """The worst look at each thing that a load missed after the disruption; a broken instance that answers rightly
    later is no loss."""
    end = None if disruption.start is None else disruption.end
    since = (record.injected or 0.0) if end is None else end.low
    worst: dict[tuple[str, str], LoadLook] = {}
    for look in record.load_looks:
        known = worst.get((look.load, look.id))
        if look.sent >= since and (known is None or (known.found, look.found) == ("altered", "lost")):
            worst[look.load, look.id] = look
    return list(worst.values())


def _as_write(look: LoadLook) -> Write:
    return Write(look.id, look.acknowledged, look.acknowledged, look.acknowledged, "acknowledged")


def _found(record: Record, write: Write, end: Instant | None) -> Readback:
    """The worst that was found of a write after the recovery; `unread` where nobody looked, or none had an answer.

    A write that was gone at one look and is there at another was gone for whoever asked at the one.
    """
    looks = [look for look in record.readbacks.get(write.id, []) if end is None or look.t >= end.low]
    nothing = Readback(write.ended, "unread", "not looked for after the recovery")
    return min(looks, key=lambda look: _WORST_FIRST.index(look.found), default=nothing)


def _unread(record: Record, found: dict[str, Readback], end: Instant | None) -> list[Write]:
    """Acknowledged writes that were not looked for, or without an answer. What was asked once the look had begun, and
    was not looked for, is no part of the check."""
    began = min((look.t for look in found.values() if look.found != "unread"), default=None)
    return [
        write
        for write in record.writes
        if write.outcome == "acknowledged"
        and found[write.id].found == "unread"
        and (began is None or end is None or write.asked < began or write.id in record.readbacks)
    ]


def _is_lost(write: Write, found: Readback) -> bool:
    if write.outcome == "acknowledged":
        return found.found in _LOST
    return found.found in ("altered", "duplicated")


def _before(write: Write, start: Instant) -> float | None:
    return None if write.answered is None else round(start.at - write.answered, 4)


def _counts(record: Record, start: Instant, lost: list[Write], unread: list[Write]) -> RpoEntry:
    outcomes = [write.outcome for write in record.writes]
    return RpoEntry(
        acknowledged_writes=outcomes.count("acknowledged"),
        acknowledged_last_second=len(_last_second(record, start)),
        indeterminate_writes=outcomes.count("indeterminate"),
        refused_writes=outcomes.count("refused"),
        unread_writes=len(unread),
        lost_writes=len(lost),
    )


def _acknowledged(record: Record) -> list[float]:
    return sorted(w.answered for w in record.writes if w.outcome == "acknowledged" and w.answered is not None)


def _last_second(record: Record, start: Instant) -> list[float]:
    return [answered for answered in _acknowledged(record) if start.at - 1 <= answered <= start.at]


def _measure(record: Record, entry: RpoEntry, start: Instant, lost: list[Write]) -> None:
    acknowledged = _acknowledged(record)
    last = max((t for t in acknowledged if t <= start.at), default=None)
    entry.resolution_s = None if last is None else round(start.high - last, 4)
    if not lost:
        entry.value_s, entry.low_s, entry.high_s = 0.0, 0.0, entry.resolution_s
        return
    gone = [write.ended for write in lost]
    kept = max((t for t in acknowledged if t < min(gone)), default=None)
    entry.value_s = round(max(start.at, *gone) - min(gone), 4)
    entry.low_s = round(max(start.low, *gone) - min(gone), 4)
    entry.high_s = None if kept is None else round(max(start.high, *gone) - kept, 4)
    if kept is None and record.recovery_points:
        _measure_point(entry, start, min(gone), min(record.recovery_points))


def _measure_point(entry: RpoEntry, start: Instant, first: float, point: float) -> None:
    """Take the loss to begin at the moment to which the data were brought back, by a clock that may be a little off.

    `first` is when the oldest lost write was acknowledged: one from before that moment had to be there, so that nobody
    knows how far back the loss goes.
    """
    assert entry.value_s is not None and entry.low_s is not None, "measured before"
    entry.value_s = max(entry.value_s, round(start.at - point, 4))
    entry.low_s = max(entry.low_s, round(start.low - point - CLOCKS_S, 4))
    if first >= point - CLOCKS_S:
        entry.high_s = max(entry.low_s, round(start.high - point + CLOCKS_S, 4))


def _judge_lost(lost: int, allowed: int | None, *, counts: bool) -> Verdict:
    if allowed is None:
        return Verdict.UNKNOWN
    if lost > allowed:
        return Verdict.MISSED
    return Verdict.MET if counts else Verdict.UNKNOWN


def _judge_target(entry: RpoEntry, *, counts: bool) -> Verdict:
    if entry.target_s is None or entry.low_s is None:
        return Verdict.UNKNOWN
    return at_most(entry.low_s, entry.high_s if counts else None, entry.target_s)


def _why_not(record: Record, disruption: Disruption, start: Instant, unread: list[Write]) -> Iterator[Reason]:
    see = "see the ledger's events in the timeline and the prober's log"
    if not record.writes:
        yield Reason("no write was attempted, so nothing says what was lost", "open system.ledger() around the fault")
        return
    if not _last_second(record, start):
        yield Reason("no write was acknowledged in the last second before the disruption", see)
    if pause := _pause(record, start, disruption):
        yield Reason(f"no write was attempted for {pause:.1f} s during the disruption", see)
    if unread:
        names = ", ".join(write.id for write in unread[:3]) + (", ..." if len(unread) > 3 else "")
        why = next((look.why for w in unread for look in record.readbacks.get(w.id, [])[-1:] if look.why), "")
        what = f"{len(unread)} acknowledged writes were not read back after the recovery ({names})"
        yield Reason(what + (f": {why}" if why else ""), see)


def _pause(record: Record, start: Instant, disruption: Disruption) -> float | None:
    """The longest time without an attempt during the disruption if it is too long (1 s, or ten mean gaps), or None."""
    end = disruption.watched_until if disruption.end is None else disruption.end.at
    writes = sorted(record.writes, key=lambda write: write.asked)
    before = [write.asked for write in writes if write.asked < start.at]
    mean = (before[-1] - before[0]) / (len(before) - 1) if len(before) > 1 else 0.0
    longest, quiet_since = 0.0, start.at
    for write in writes:
        if write.ended >= start.at and write.asked <= end:
            longest = max(longest, write.asked - quiet_since)
            quiet_since = max(quiet_since, write.ended)
    longest = max(longest, end - quiet_since)
    return longest if longest > max(1.0, 10 * mean) else None
