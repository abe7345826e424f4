"""The first lines of a failure, for a person at 3 a.m.: what, where the time went, what was lost and where to look."""

from __future__ import annotations

from muster.verdict import DrillVerdict, Verdict
from muster.verdict.conclusion.words import lost_line, seconds

STEPS_SHOWN = 3
# The picture counts from the injection, and says so on its axis.
SINCE = " (s from the first violation)"


def failure_message(entry: DrillVerdict) -> str:
    """Three lines of text (docs/measurement.md, Outcomes in pytest); further reasons follow, one a line."""
    lines = [f"{entry.verdict.upper()} {entry.name}: {entry.why}", _second_line(entry), _third_line(entry)]
    others = [reason for reason in entry.reasons if reason != entry.why and not lines[2].startswith(reason)]
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
        parts.append(_recovery_began(split.recovery_began_s))
    # The steps that took longest, in the order in which they were taken; none that took next to nothing.
    timed = [step for step in entry.recovery_steps if step.took_s is not None and step.took_s >= 0.05]
    longest = sorted(timed, key=lambda step: step.took_s or 0.0, reverse=True)[:STEPS_SHOWN]
    for step in timed:
        if step in longest:
            failed = " (failed)" if step.state == "failed" else ""
            parts.append(f"{step.step} {step.took_s:.1f}{failed}")
    if split.clients_s is not None and entry.rto.clients_well_first:
        parts.append(f"clients well {_signed(split.clients_s)}")
    if split.good_s is not None:
        healed = ", healed by the platform" if entry.recovered_by == "platform" and not entry.recovery_steps else ""
        parts.append(f"good again {_signed(split.good_s)}{healed}")
    elif entry.disruption.start_s is not None:
        watched = (entry.disruption.watched_s or 0.0) - entry.disruption.start_s[0]
        # Why it is open stands in the first line; "not good again" would contradict it.
        what = "" if entry.rto.open_because else "not good again in "
        parts.append(f"{what}{seconds(watched)} s watched")
    counted = any(at is not None for at in (split.detected_s, split.recovery_began_s, split.good_s))
    return ", ".join(parts) + (SINCE if counted else "")


def _recovery_began(since_start_s: float) -> str:
    """Counted from the start of the disruption: a procedure may begin before clients feel anything."""
    if since_start_s < 0:
        return f"recovery began {-since_start_s:.1f} before the disruption"
    return f"recovery began {_signed(since_start_s)}"


def _signed(value: float) -> str:
    return f"{value:+.1f}"


def _third_line(entry: DrillVerdict) -> str:
    look = next((path for path in (entry.picture, entry.timeline) if path), None)
    parts = [_writes(entry)]
    if entry.disruption.shed:
        parts.append(f"{entry.disruption.shed} requests refused cleanly")
    return "; ".join([*parts, f"look at {look}"] if look else parts)


def _writes(entry: DrillVerdict) -> str:
    rpo = entry.rpo
    if rpo.lost_writes:
        return lost_line(entry)
    if not rpo.acknowledged_writes:
        # Where the record says nothing of a recovery, nobody counted them.
        return rpo.why or "writes not judged" if rpo.counts is None else "no writes acknowledged"
    return f"writes {rpo.acknowledged_writes} acknowledged, {_lost(entry)}"


def _lost(entry: DrillVerdict) -> str:
    if entry.rpo.unread_writes:
        return f"{entry.rpo.unread_writes} not read back"
    return "0 lost"
