"""Which of the sabotaged drills are held where not all of them are."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import NamedTuple

CONTROL = "control"


class Held(NamedTuple):
    """A drill, how it is sabotaged, and the test module that holds it."""

    module: str
    drill: str
    sabotage: str


def draw(drills: Iterable[Held], wanted: int, seed: int) -> set[Held]:
    """As many of the drills as `wanted`: the one that is not sabotaged, one of each module, and others by chance.

    Where there are more modules than `wanted`, not each has one.
    """
    all_of_them = sorted(set(drills))
    shuffled = random.Random(seed).sample(all_of_them, len(all_of_them))
    first = [one for one in shuffled if one.sabotage == CONTROL]
    seen = {one.module for one in first}
    for one in shuffled:
        if one.module not in seen:
            seen.add(one.module)
            first.append(one)
    return set([*first, *(one for one in shuffled if one not in first)][:wanted])
