"""What items and waivers come to. Pure, and the same for who makes an acceptance and for who verifies it.

An item that is waived demands nothing. Of the others one that is missed closes the gate, and one that is unknown leaves
it unknown: no data is never green. A rehearsal proves the procedure and the instrument, not what runs in production, so
that evidence from one leaves the item `rehearsal` unknown there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from muster.gate.statement import Item, Outcome, Purpose, Waiver, moment

REHEARSAL = "rehearsal"
MARKS = {"met": "✓", "missed": "✗", "unknown": "?"}


class Judgement(NamedTuple):
    """A verdict, why in up to three lines, and the waivers that it needed."""

    verdict: Outcome
    why: tuple[str, ...]
    applied: tuple[Waiver, ...]


def with_rehearsal(items: Sequence[Item], purpose: Purpose) -> list[Item]:
    """The items, and for production one that says whether any of them relies on a rehearsal."""
    own = [item for item in items if item.name != REHEARSAL]
    if purpose != "production":
        return own
    rehearsed = [item for item in own if item.evidence == "rehearsal"]
    last = max(own, key=lambda item: moment(item.at))
    if not rehearsed:
        why, outcome = "no evidence is a rehearsal's", "met"
    else:
        names = _listed([item.name for item in rehearsed])
        why, outcome = f"a rehearsal proves nothing of production: {names}", "unknown"
    verdict = Item.model_validate(
        {"name": REHEARSAL, "outcome": outcome, "why": why, "at": last.at, "source": "the items", "evidence": "files"}
    )
    return [*own, verdict]


def judge(items: Sequence[Item], waivers: Sequence[Waiver], now: datetime) -> Judgement:
    """The verdict at a moment: a waiver that has run out by then is none."""
    in_force = {waiver.what: waiver for waiver in reversed(waivers) if moment(waiver.until) > now}
    open_ = [item for item in items if item.outcome != "met"]
    applied = tuple(in_force[item.name] for item in open_ if item.name in in_force)
    left = [item for item in open_ if item.name not in in_force]
    missed = [item for item in left if item.outcome == "missed"]
    verdict: Outcome = "missed" if missed else "unknown" if left else "met"
    if verdict == "met":
        return Judgement(verdict, (_all_met(len(items), len(applied)),), applied)
    first = missed or left
    others = [item.name for item in left if item not in first[:2]]
    lines = [f"{item.name}: {item.why}" for item in first[:2]]
    if len(others) == 1:
        lines.append(next(f"{item.name}: {item.why}" for item in left if item.name == others[0]))
    elif others:
        lines.append(f"and {len(others)} more: {_listed(others)}")
    return Judgement(verdict, tuple(lines), applied)


def _all_met(count: int, waived: int) -> str:
    return f"all {count} are met" if not waived else f"{count - waived} of {count} are met, {waived} waived"


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
