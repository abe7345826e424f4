"""A release that is not good, on purpose: ENHANCER_DEFECT names what is wrong with it, ENHANCER_DEFECT_SIZE how much.

For rehearsals of releases, as no bad version can be ordered otherwise: everything else of it is the version that it
would be. Without the variable none of this does anything.
"""

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from enhancer.settings import SettingsError

log = logging.getLogger(__name__)

VARIABLE, SIZE = "ENHANCER_DEFECT", "ENHANCER_DEFECT_SIZE"


class Kind(NamedTuple):
    """What a size means, which it is where none is given, and between which it must be."""

    unit: str
    usual: float
    low: float
    high: float


_SHARE = (0.0, 1.0)
KINDS = {
    "errs": Kind("share of the clients' requests that are answered 500", 0.05, *_SHARE),
    "errs_on_one": Kind("share of POST /workflows that are answered 500, and nothing else", 0.04, *_SHARE),
    "slow": Kind("seconds that each of the clients' requests takes longer", 1.5, 0, 60),
    "hangs": Kind("share of the clients' requests that are never answered", 0.02, *_SHARE),
    "leaks": Kind("MiB that each of the clients' requests leaves in memory, until the pod is killed", 1, 0, 64),
    "loses_writes": Kind("share of the acknowledged workflows that are not stored", 0.001, *_SHARE),
    "fails_phases": Kind("share of the phases at which an agent fails", 0.2, *_SHARE),
    "incompatible": Kind("how many protocols the workers are ahead", 1, 1, 100),
    "crashes": Kind("seconds from the start of a program to its crash", 0, 0, 3600),
}


@dataclass(frozen=True)
class Defect:
    """What is wrong with this version; `size` in the unit of its kind."""

    kind: str
    size: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Defect | None":
        """What the environment names, None where it names none; raises SettingsError."""
        if VARIABLE not in environment:
            if SIZE in environment:
                raise SettingsError(f"{SIZE} is set and {VARIABLE} is not: of which defect is it the size?")
            return None
        name = environment[VARIABLE]
        if name not in KINDS:
            raise SettingsError(f"{VARIABLE} is {name!r}, must be one of {', '.join(sorted(KINDS))}")
        found = cls(name, _size(KINDS[name], environment.get(SIZE)))
        log.warning("this version has a defect on purpose: %s, %g (%s)", name, found.size, KINDS[name].unit)
        return found

    def size_if(self, kind: str) -> float | None:
        """The size where it is of this kind, else None."""
        return self.size if self.kind == kind else None


def _size(kind: Kind, text: str | None) -> float:
    if text is None:
        return kind.usual
    try:
        size = float(text)
    except ValueError:
        size = float("nan")
    if not kind.low <= size <= kind.high:
        raise SettingsError(f"{SIZE} is {text!r}, must be a number from {kind.low:g} to {kind.high:g}: {kind.unit}")
    return size


def size_of(defect: Defect | None, kind: str) -> float | None:
    """The size of a defect of this kind, None where there is no such defect."""
    return defect.size_if(kind) if defect else None


def crash(defect: Defect | None) -> None:
    """Have the process crash in so many seconds, if that is its defect; at once for 0."""
    after_s = size_of(defect, "crashes")
    if after_s is not None:
        timer = threading.Timer(after_s, os._exit, [1])
        timer.daemon = True
        timer.start()
        if not after_s:
            timer.join()
