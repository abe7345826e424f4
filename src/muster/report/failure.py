"""The first lines of a failure, for a person at 3 a.m.: what, where the time went, what was lost and where to look."""

from __future__ import annotations

from muster.verdict import DrillVerdict, Verdict
from muster.verdict.words import lost_line, seconds

STEPS_SHOWN = 3


def failure_message(entry: DrillVerdict) -> str:
    """Three lines of text (MEASURES.md, Outcomes in pytest); further reasons follow, one a line."""
    lines = [f"{entry.verdict.upper()} {entry.name}: {entry.why}", _second_line(entry), _third_line(entry)]
    others = [reason for reason in entry.reasons if reason != entry.why]
    lines += [f"also: {reason}" for reason in others]
    return "\n".join(lines)


def _second_line(entry: DrillVerdict) -> str:
    where = _where_it_went(entry)
    if entry.verdict is Verdict.UNKNOWN:
        advice = f"what to do: {entry.advice}" if entry.advice else "what to do: look at the timeline"
        return f"{advice} ({where})" if where else advice
    return f"where it went: {where or 'service was never interrupted'}"


def _where_it_went(entry: DrillVerdict) -> str:
    split, parts = entry.split, []
    if split.detected_s is not None:
        parts.append(f"detected {_signed(split.detected_s)}")
    if split.recovery_began_s is not None:
        parts.append(f"recovery began {_signed(split.recovery_began_s)}")
    # The steps that took longest, in the order in which they were taken; none that took next to nothing.
    timed = [step for step in entry.recovery_steps if step.took_s is not None and step.took_s >= 0.05]
    longest = sorted(timed, key=lambda step: step.took_s or 0.0, reverse=True)[:STEPS_SHOWN]
    for step in timed:
        if step in longest:
            failed = " (failed)" if step.state == "failed" else ""
            parts.append(f"{step.step} {step.took_s:.1f}{failed}")
    if split.good_s is not None:
        parts.append(f"good again {_signed(split.good_s)}")
    elif entry.disruption.start_s is not None:
        watched = (entry.disruption.watched_s or 0.0) - entry.disruption.start_s[0]
        # Why it is open stands in the first line; "not good again" would contradict it.
        what = "" if entry.rto.open_because else "not good again in "
        parts.append(f"{what}{seconds(watched)} s watched")
    return ", ".join(parts)


def _signed(value: float) -> str:
    return f"{value:+.1f}"


def _third_line(entry: DrillVerdict) -> str:
    look = next((path for path in (entry.picture, entry.timeline) if path), None)
    writes = lost_line(entry) if entry.rpo.acknowledged_writes else "no writes acknowledged"
    if entry.rpo.lost_writes == 0 and entry.rpo.acknowledged_writes:
        writes = f"writes {entry.rpo.acknowledged_writes} acknowledged, {_lost(entry)}"
    return f"{writes}; look at {look}" if look else writes


def _lost(entry: DrillVerdict) -> str:
    if entry.rpo.unread_writes:
        return f"{entry.rpo.unread_writes} not read back"
    return "0 lost"
