"""What is new since the look before: counts that only grow, told apart from those that are missing or began anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from muster.analysis.look import Latency, Side

# A tally of one thing by name: `requests` and `failed`, or `count` and what was slower than each bound.
Tally = Mapping[str, float]
REQUESTS = "requests"
LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Fresh:
    """What one version has had since the look before, by what was counted; why something is not there in `missing`.

    `tallies` and `fresh` hold `requests`, `latency`, and `kind/NAME` for each kind: what was read, kept for the look
    after, and what of it is new.
    """

    tallies: Mapping[str, Tally]
    fresh: Mapping[str, Tally]
    missing: Mapping[str, str] = field(default_factory=dict)


def fresh(side: Side, before: Mapping[str, Tally]) -> Fresh:
    """What a version has had since `before`, the tallies of the look before (none at the beginning of a phase).

    What went back has been restarted: what this look says of it is not known to be new, and only what comes after it
    counts.
    """
    tallies: dict[str, Tally] = {}
    new: dict[str, Tally] = {}
    missing: dict[str, str] = {}
    for name, read in _read(side).items():
        if isinstance(read, str):
            missing[name] = read
            if name in before:
                tallies[name] = before[name]
            continue
        tallies[name] = read
        earlier = before.get(name, dict.fromkeys(read, 0.0))
        if read.keys() != earlier.keys():
            missing[name] = "its buckets are not those of the look before"
        elif any(read[one] < earlier[one] for one in read):
            missing[name] = "its counts went back (a restart?)"
        else:
            new[name] = {one: read[one] - earlier[one] for one in read}
    return Fresh(tallies, new, missing)


def _read(side: Side) -> dict[str, Tally | str]:
    """Each tally, or in a sentence why there is none."""
    found: dict[str, Tally | str] = {REQUESTS: _requests(side), LATENCY: _latency(side)}
    for name, counted in side.kinds.items():
        if not isinstance(tally := _counted(counted.requests, counted.failed), str):
            found[f"kind/{name}"] = tally
    return found


def _requests(side: Side) -> Tally | str:
    if side.requests is None or side.failed is None:
        lacking = REQUESTS if side.requests is None else "failed"
        return side.missing.get(lacking) or side.missing.get(REQUESTS) or "no reading"
    return _counted(side.requests, side.failed)


def _counted(requests: float, failed: float) -> Tally | str:
    if not (math.isfinite(requests) and math.isfinite(failed)) or failed < 0:
        return f"{failed:g} failed of {requests:g} are no counts"
    # Two counters are not read at the very same moment: what failed was asked as well.
    return {"requests": max(requests, failed), "failed": failed}


def _latency(side: Side) -> Tally | str:
    latency = side.latency
    if latency is None:
        return side.missing.get(LATENCY) or "no reading"
    if not latency.bounds_s or not _is_histogram(latency):
        return "its buckets are no histogram"
    slower = [latency.count - upto for upto in latency.at_most]
    return dict(zip(_names(latency.bounds_s), (latency.count, *slower), strict=True))


@cache
def _names(bounds_s: tuple[float, ...]) -> tuple[str, ...]:
    """What the tallies of a histogram are called, the same at every look."""
    return ("count", *(f"{bound:g}" for bound in bounds_s))


def _is_histogram(latency: Latency) -> bool:
    counts = (0.0, *latency.at_most, latency.count)
    rising = all(low <= high for low, high in pairwise(counts))
    apart = all(low < high for low, high in pairwise(latency.bounds_s))
    return len(latency.bounds_s) == len(latency.at_most) and apart and rising and math.isfinite(latency.count)


def added(total: Mapping[str, Tally], new: Mapping[str, Tally]) -> dict[str, Tally]:
    """Tallies so far, with what is new."""
    found = dict(total)
    for name, tally in new.items():
        before = total.get(name)
        found[name] = tally if before is None else {one: before.get(one, 0.0) + more for one, more in tally.items()}
    return found


def kinds(tallies: Mapping[str, Tally]) -> list[str]:
    """The kinds of requests among tallies, as they are named there."""
    return [name for name in tallies if name.startswith("kind/")]
