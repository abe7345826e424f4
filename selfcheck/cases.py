"""What happens to the scripted service: kinds of outage, and cases drawn from them at random.

Lengths are log-uniform from 20 ms to 30 s. Where only some requests are struck, service is as well as its objectives
say, so a slow answer within the probes' limit is an outage only where more than 5 % of a second's answers are slow:
such cases begin at `SLOW_LEAST_S`. The down and up times of a flapping service lie above what can be resolved and
below the hold, which is what makes it one outage.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from muster.verdict.testing import Outage

SHORTEST_S, LONGEST_S = 0.02, 30.0
SLOW_LEAST_S = 0.2

# The rhythm of the instrument while it is checked, that of real time and of virtual time alike.
EVERY_S = 0.02  # between two probes of a kind: the gap
LIMIT_S = 0.5
RATE = 150.0  # requests/s of load; one failure in a second of it misses FAILED
LOAD_LIMIT_S, RENEW_AFTER, WRITES = 1.0, 4, 0.2  # of items.py: limit, renewal of connections, ratio of writes
HOLD_S = STEADY_S = 1.0
SLOW_FROM_S = 0.1  # latency_p95
FAILED = 0.005  # error_rate
NOT_RESOLVED_S = 2 * EVERY_S


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement. `outages` count in seconds from the injection; a placebo has none."""

    number: int
    kind: str
    outages: tuple[Outage, ...]

    @property
    def ends(self) -> float:
        """When the last outage is over, in seconds from the injection."""
        return max((outage.end for outage in self.outages), default=0.0)

    @property
    def partial(self) -> bool:
        """Whether requests are struck at random, so that trouble begins with the first that really is."""
        return any(outage.share < 1 for outage in self.outages)


def _length(chance: random.Random, least: float = SHORTEST_S, most: float = LONGEST_S) -> float:
    return math.exp(chance.uniform(math.log(least), math.log(most)))


def _one(how: str, only: str = "") -> Callable[[random.Random, float], list[Outage]]:
    def make(chance: random.Random, most: float) -> list[Outage]:
        return [Outage(0.0, _length(chance, most=most), how, only=only)]

    return make


def _partial(chance: random.Random, most: float) -> list[Outage]:
    return [Outage(0.0, _length(chance, most=most), "error", share=chance.uniform(0.3, 0.9))]


def _slow(chance: random.Random, most: float) -> list[Outage]:
    return [Outage(0.0, _length(chance, most=most), "slow", slow_s=chance.uniform(1.2, 3.0) * LIMIT_S)]


def _slowish(chance: random.Random, most: float) -> list[Outage]:
    length = _length(chance, SLOW_LEAST_S, max(most, SLOW_LEAST_S))
    return [Outage(0.0, length, "slow", slow_s=chance.uniform(1.5 * SLOW_FROM_S, 0.7 * LIMIT_S))]


def _writes(chance: random.Random, most: float) -> list[Outage]:
    return [Outage(0.0, _length(chance, most=most), chance.choice(("error", "timeout")), only="writes")]


def _flapping(chance: random.Random, most: float) -> list[Outage]:
    least = 3 * EVERY_S
    ends = max(_length(chance, most=most), 3 * least)
    how, outages, at = chance.choice(("refused", "reset", "error", "wrong")), list[Outage](), 0.0
    while at < ends:
        down = chance.uniform(least, 0.8)
        outages.append(Outage(at, at + down, how))
        at += down + chance.uniform(least, 0.6 * HOLD_S)
    return outages


KINDS: dict[str, Callable[[random.Random, float], list[Outage]]] = {
    "refused": _one("refused"),
    "reset": _one("reset"),
    "partial": _partial,
    "slow": _slow,
    "slow in time": _slowish,
    "wrong, 200": _one("wrong"),
    "half-open": _one("timeout"),
    "writes only": _writes,
    "new only": _one("refused", "new"),
    "kept only": _one("reset", "kept"),
    "flapping": _flapping,
}


def draw(number: int, seed: int, *, longest: float = LONGEST_S) -> Case:
    """Case `number` of the checks with this seed; the kinds take turns."""
    chance = random.Random(f"{seed}/{number}")
    kind = list(KINDS)[number % len(KINDS)]
    begin = chance.uniform(0.05, 0.35)
    outages = KINDS[kind](chance, longest)
    return Case(number, kind, tuple(replace(o, start=o.start + begin, end=o.end + begin) for o in outages))
