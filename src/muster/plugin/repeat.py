"""Drills that are held several times over (`--repeat N`): what is asked for, and what belongs together.

A repetition is known by its name alone, `db_failure-3-of-59`: so it is in every process of a run, and in its files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TypedDict

from muster.base.errors import UsageError

DESELECTED = "deselected"
MOST = 10_000


class Repeated(TypedDict):
    """A repetition as a declaration has it."""

    of: str
    number: int
    total: int


def read_repeat(text: str | None) -> int | None:
    """How often each drill is to be held; None where nobody said.

    Raises:
        UsageError: the text is no such number.
    """
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MOST:
        raise UsageError(f"--repeat: '{text}' is no number of repetitions; right would be 1 to {MOST}, such as 59")
    return int(text)


def read_claim(text: str | None, repeat: int | None) -> float | None:
    """The rate of success that a run is to prove; None where nobody asked.

    Raises:
        UsageError: the text is no rate, or nothing is repeated that could prove it.
    """
    if text is None:
        return None
    try:
        claim = float(text)
    except ValueError:
        claim = 0.0
    if not 0 < claim < 1:
        raise UsageError(f"--claim: '{text}' is no rate; right would be a number between 0 and 1, such as 0.95")
    if repeat is None:
        raise UsageError(f"--claim {text} needs --repeat: a drill that is held once proves no rate")
    return claim


def repetition_of(name: str, total: int | None) -> Repeated | None:
    """The repetition that a drill's name tells of, in a run that repeats drills `total` times."""
    found = re.fullmatch(rf"(.+)-(\d+)-of-{total}", name) if total is not None else None
    return None if found is None or total is None else Repeated(of=found[1], number=int(found[2]), total=total)


def drill_of(name: str, total: int | None) -> str:
    """The name of the drill, whichever of its repetitions the name is of."""
    found = repetition_of(name, total)
    return name if found is None else found["of"]


def unrepeated(nodeid: str, total: int | None) -> str:
    """The node id that the test has where it is not repeated."""
    return nodeid if total is None else re.sub(rf"(?:\[|-)\d+-of-{total}\]$", _closing, nodeid)


def _closing(found: re.Match[str]) -> str:
    return "" if found[0].startswith("[") else "]"


def gathered(left_out: Mapping[str, str], total: int | None) -> dict[str, str]:
    """What did not run, by name, with the reason: repetitions of a drill that share one are told in one line.

    That some were deselected is told of each: in one line it would say that the drill was not wanted at all.
    """
    counts = Counter((drill_of(name, total), why) for name, why in left_out.items())
    found: dict[str, str] = {}
    for name, why in left_out.items():
        drill = drill_of(name, total)
        count = counts[drill, why]
        if drill == name or count == 1 or (why == DESELECTED and count != total):
            found[name] = why
        else:
            found[drill] = why if why == DESELECTED else f"{why}: {count} of {total} repetitions"
    return found
