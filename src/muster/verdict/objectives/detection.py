"""Detection: the time from the injection until a named alert of the system's own monitoring fires (MTTD).

No prober of ours is a detector (docs/measurement.md, Detection). The monitoring is asked again and again; a look at it
is an event of kind `monitoring`, whose time is when it was asked, or one of kind `alert`, whose time is when the answer
was in. An alert that was first seen at t and not at the look before, asked at s, began to fire within (s, t]. The value
is t minus the injection, which nobody can dispute; [low, high] are both ends.

Absence is judged by the same interval, open at its upper end: met if high <= target, missed if low > target, else
unknown. `low` only grows while nobody looked away: with the monitoring out of sight for more than `BLIND_S`, an alert
may have begun and ceased to fire meanwhile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from muster.verdict.entry import DetectionEntry
from muster.verdict.reading.facts import Alert
from muster.verdict.reading.record import Record
from muster.verdict.verdicts import Verdict, at_most

BLIND_S = 5.0  # no alert is told to people and taken back in so short a time; a look that failed is made up for
SEEN = "watching"  # the state of a look that was answered
STALE_S = 45.0  # an older look is no word about now: looks begin at most 10 s apart and take up to 30 s


@dataclass(frozen=True, slots=True)
class _Watched:
    """Since when, at the earliest, the alert fires (CLOCK_MONOTONIC s), and what hides more than that."""

    until: float
    lost: str | None = None
    held_back: str | None = None


def judge_detection(record: Record, required: set[str]) -> DetectionEntry:
    """The entry's `detection`; a verdict only where it is required. `record` holds an injection."""
    declared, injected = record.declared, record.injected or 0.0
    entry = DetectionEntry(target_s=declared.detection_target_s, alert=declared.alert)
    fired = next((a for a in _alerts(record) if a.t >= injected and a.state == "firing"), None)
    if fired is None and declared.alert is None and "detection" not in required:
        return entry
    trouble = unready(record, injected)
    watched = _watched(record, injected, record.judged_at if fired is None else fired.t)
    if fired is not None and watched.until <= injected and record.monitoring:
        trouble = trouble or f"alert {fired.name} may have fired before the injection: nobody looked in between"
    if fired is not None:
        entry.value_s = entry.high_s = round(fired.t - injected, 4)
        entry.by = fired.name
    if trouble is None:
        entry.low_s = round(watched.until - injected, 4)
    if "detection" in required:
        entry.verdict = Verdict.UNKNOWN
        if entry.low_s is not None and entry.target_s is not None:
            entry.verdict = at_most(entry.low_s, entry.high_s, entry.target_s)
    entry.why = _why(entry, watched, trouble, seen=fired is not None)
    return entry


def unready(record: Record, at: float) -> str | None:
    """Why a fault injected at that moment (CLOCK_MONOTONIC s) could not be said to have raised the alert, or None.

    A running drill asks this, too, before it injects.
    """
    name = record.declared.alert
    alert = "the alert" if name is None else f"alert {name}"
    looks = [look for look in record.monitoring if look.t <= at and look.state != "stopped"]
    alerts = [a for a in _alerts(record) if a.t <= at]
    if not looks and not alerts and name is None:
        return None  # a timeline of before the monitoring was watched
    if not looks and not alerts:
        return f"nobody had looked at the monitoring yet, so {alert} may have fired before"
    if alerts and alerts[-1].state == "firing":
        return f"{alert} fired before the fault was injected"
    answered = [look.t for look in looks if look.state == SEEN] + [a.t for a in alerts]
    newest = max(answered, default=-math.inf)
    last = looks[-1] if looks else None
    if last is not None and last.state != SEEN and last.t > newest and at - newest > BLIND_S:
        return f"the monitoring was not in sight: {last.why or last.state}"
    if last is not None and last.state == SEEN and last.why:
        return f"{alert} was not quiet before the fault was injected: {last.why}"
    return f"nobody had looked at the monitoring for {at - newest:.0f} s" if at - newest > STALE_S else None


def _alerts(record: Record) -> list[Alert]:
    """What was seen of the alert that the drill names, until it judged."""
    name = record.declared.alert
    return [alert for alert in record.alerts if name in (None, alert.name) and alert.t < record.judged_at]


def _watched(record: Record, injected: float, end: float) -> _Watched:
    """How far the looks before `end` reach without a gap, beginning at the injection."""
    until, lost, held_back = injected, None, None
    newest = max((look.t for look in record.monitoring if look.t <= injected and look.state == SEEN), default=injected)
    for look in record.monitoring:
        if not injected < look.t < end or look.state == "stopped":
            continue
        if look.state != SEEN:
            lost = lost or look.why or look.state
            continue
        if lost is not None and look.t - newest > BLIND_S:
            break
        until = newest = look.t
        lost, held_back = None, look.why or held_back
    return _Watched(until, lost, held_back)


def _why(entry: DetectionEntry, watched: _Watched, trouble: str | None, *, seen: bool) -> str | None:
    """What a reader must know besides the figures, in one line."""
    if trouble is not None:
        return trouble
    said, target, low = [], entry.target_s, entry.low_s or 0.0
    short = not seen and target is not None and low <= target
    if watched.lost is not None:
        said.append(f"the monitoring went out of sight {low:.1f} s after the injection: {watched.lost}")
    elif short:
        said.append(f"watched for {low:.1f} s of {target:g} s")
    if not seen and watched.held_back is not None:
        said.append(watched.held_back)
    return "; ".join(said) or None
