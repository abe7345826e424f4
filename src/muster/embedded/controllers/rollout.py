"""The arithmetic of a rolling update. Pure functions of counts, as the real Deployment controller reckons."""

from __future__ import annotations

import math
from dataclasses import dataclass

from muster.embedded.objects import Object


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a rollout may stray from the wanted number of pods."""

    surge: int
    unavailable: int


def limits(deployment: Object) -> Limits:
    """The limits of a Deployment's strategy: surge rounded up, unavailable rounded down, never both 0."""
    spec = deployment["spec"]
    replicas = spec["replicas"]
    if spec["strategy"]["type"] == "Recreate":
        return Limits(0, 0)
    rolling = spec["strategy"].get("rollingUpdate") or {}
    surge = resolve(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = resolve(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(surge, min(unavailable, replicas))


def resolve(value: int | str, of: int, *, up: bool) -> int:
    """A number, or a percentage of `of`."""
    if isinstance(value, int):
        return value
    share = of * int(value.rstrip("%")) / 100
    return math.ceil(share) if up else math.floor(share)


def new_size(*, wanted: int, new: int, total: int, surge: int) -> int:
    """To how many pods the new ReplicaSet may grow; `total` are the wanted pods of all ReplicaSets."""
    room = wanted + surge - total
    if room <= 0:
        return new
    return new + min(room, max(wanted - new, 0))


@dataclass(frozen=True, slots=True)
class Old:
    """An old ReplicaSet: what it is to have, and what of that is available."""

    name: str
    replicas: int
    available: int


def old_sizes(olds: list[Old], *, wanted: int, unavailable: int, new: int, new_available: int) -> dict[str, int]:
    """To how many pods the old ReplicaSets may shrink, oldest first in `olds`; those that stay are left out."""
    total = new + sum(old.replicas for old in olds)
    minimum = wanted - unavailable
    to_remove = total - minimum - (new - new_available)
    sizes = {old.name: old.replicas for old in olds}
    if to_remove <= 0:
        return {}
    for old in olds:  # pods that serve nobody go first
        broken = min(to_remove, max(old.replicas - old.available, 0))
        sizes[old.name] -= broken
        to_remove -= broken
    spare = min(new_available + sum(old.available for old in olds) - minimum, to_remove)
    for old in olds:
        cut = min(max(spare, 0), sizes[old.name])
        sizes[old.name] -= cut
        spare -= cut
    return {old.name: sizes[old.name] for old in olds if sizes[old.name] != old.replicas}


def proportions(sizes: list[int], wanted: int) -> list[int]:
    """Share `wanted` pods out over ReplicaSets in proportion to their sizes, largest remainder first."""
    total = sum(sizes)
    if total == 0:
        return sizes
    exact = [size * wanted / total for size in sizes]
    shares = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda i: exact[i] - shares[i], reverse=True)
    for i in by_remainder[: wanted - sum(shares)]:
        shares[i] += 1
    return shares
