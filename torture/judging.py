"""Whether a fault came back, by what was seen of a trial. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from torture.reading import Changed, Field, Objects, changed, value_at

BEGUN_WITHIN_S = 5.0


@dataclass(frozen=True)
class Seen:
    """What was seen of a trial once all was to be as before.

    `before` and `after` are the system's objects; `fields` those that a fault changed, while it was on record;
    `procedures` the objects that a recovery procedure wrote, as `Kind/name`. `to_undo` is whether a fault was on record
    when the session was killed, `begun_s` how long after that the guardian began.
    """

    before: Objects
    after: Objects
    fields: Sequence[Field] = ()
    procedures: Set[str] = frozenset()
    to_undo: bool = False
    begun_s: float | None = None
    guarded: bool = True  # a guardian was left to undo it
    open_faults: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()  # processes of the system
    left: tuple[str, ...] = ()  # processes of the run
    lease: str = ""
    split: tuple[str, ...] = ()
    further: tuple[str, ...] = field(default=())  # what else was wrong, said by whoever saw it


def troubles(seen: Seen) -> list[str]:
    """What is wrong, a sentence each; nothing where the fault came back."""
    found = [f"a fault is on record still: {name}" for name in seen.open_faults]
    if seen.guarded and seen.to_undo and seen.begun_s is None:
        found.append("a fault was on record and its guardian never began to undo it")
    if seen.begun_s is not None and seen.begun_s > BEGUN_WITHIN_S:
        found.append(f"the undo began only {seen.begun_s:.1f} s after the kill")
    found += [f"the fault's value is left: {one.object} {_shown(one)}" for one in _left_behind(seen)]
    found += [f"changed by nobody who may: {one}" for one in unexplained(seen)]
    found += [f"a process is frozen: {name}" for name in seen.stopped]
    found += [f"a process of the run is left: {name}" for name in seen.left]
    if seen.lease:
        found.append(f"the Lease is held still by {seen.lease}")
    return [*found, *seen.split, *seen.further]


def unexplained(seen: Seen) -> list[Changed]:
    """The fields that are not as before, of objects that no procedure wrote."""
    return [one for one in changed(seen.before, seen.after) if one.object not in seen.procedures]


def _left_behind(seen: Seen) -> list[Field]:
    return [
        one
        for one in sorted(seen.fields, key=str)
        if one.path[0] in {"spec", "data"}
        and one.before != one.after
        and value_at(seen.after, one) == one.after
        and value_at(seen.before, one) != one.after
    ]


def _shown(one: Field) -> str:
    return ".".join(f"[{part[0]}={part[1]}]" if isinstance(part, tuple) else part for part in one.path)
