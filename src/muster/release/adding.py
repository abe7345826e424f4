"""What both versions have done since a phase began, added up from what single pods count. Pure.

A pod counts from its own start, comes and goes: what counts is by how much each went up between two looks. One that
went back has started anew, and counts from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from muster.release.counting import Counted

SIDES = ("stable", "canary")
# Kinds of requests that are told apart: all that is known of a bake is to fit into an object of the cluster.
MOST_KINDS = 40
OTHER = "other"


@dataclass
class Total:
    """What the pods of one version have done since the phase began; None: nothing was ever told."""

    requests: float | None = None
    failed: float | None = None
    kinds: dict[str, list[float]] = field(default_factory=dict)
    timed: float | None = None
    buckets: dict[str, float] = field(default_factory=dict)
    errors: float | None = None


class Adding:
    """Adds up look by look; `state` is all that it knows, as JSON, for whoever goes on with the phase."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        held = state or {}
        self._pods: dict[str, dict[str, Any]] = {name: dict(one) for name, one in (held.get("pods") or {}).items()}
        self._kinds: list[str] = list(held.get("kinds") or [])  # those that are told apart
        self.totals = {side: Total(**(held.get("totals") or {}).get(side, {})) for side in SIDES}

    @property
    def state(self) -> dict[str, Any]:
        totals = {side: asdict(total) for side, total in self.totals.items()}
        return {"pods": self._pods, "kinds": self._kinds, "totals": totals}

    def add(self, seen: Mapping[str, tuple[str, Counted]], *, new_since: frozenset[str] = frozenset()) -> None:
        """Add a look: the side of each pod and what it has counted, by its name.

        A pod that is met for the first time begins to count here, unless it is among `new_since`, those that started
        after the phase had begun: all that they counted is of it. One that is not seen is waited for. Of more kinds
        than can be kept the ones most asked for at first are told apart, and the others are one.
        """
        self._choose(counted for _, counted in seen.values())
        for name, (side, counted) in seen.items():
            before = self._pods.get(name)
            now = self._flat(counted)
            if before is None:
                before = {} if name in new_since else dict(now)
            elif any(value < before.get(key, 0.0) for key, value in now.items()):
                before = {}  # it has started anew, also where single counts are above what they were by now
            total = self.totals[side]
            for key, value in now.items():
                _add(total, key, value - before.get(key, 0.0))
            self._pods[name] = {**before, **now}

    def begin(self) -> None:
        """Begin a phase: what was counted so far is what the next look is compared with."""
        self.totals = {side: Total() for side in SIDES}

    def _choose(self, seen: Iterable[Counted]) -> None:
        """Tell more kinds apart, as long as there is room; one that is told apart, or is not, stays so."""
        if len(self._kinds) >= MOST_KINDS:
            return
        asked = Counter[str]()
        for counted in seen:
            asked.update({kind: every for kind, (every, _) in counted.kinds.items()})
        found = [kind for kind, _ in asked.most_common() if kind not in self._kinds]
        self._kinds += found[: MOST_KINDS - len(self._kinds)]

    def _flat(self, counted: Counted) -> dict[str, float]:
        """What a pod has counted, one value a key."""
        single = {
            "requests": counted.requests,
            "failed": counted.failed,
            "timed": counted.timed,
            "errors": counted.errors,
        }
        found = {key: value for key, value in single.items() if value is not None}
        for kind, both in counted.kinds.items():
            named = kind if kind in self._kinds else OTHER
            for which, value in zip(("all", "bad"), both, strict=True):
                key = f"kind {which} {named}"
                found[key] = found.get(key, 0.0) + value
        for bound, count in counted.buckets.items():
            found[f"bucket {bound!r}"] = count
        return found


def _add(total: Total, key: str, more: float) -> None:
    if key.startswith("bucket "):
        bound = key.removeprefix("bucket ")
        total.buckets[bound] = total.buckets.get(bound, 0.0) + more
    elif key.startswith("kind "):
        which, kind = key[5:8], key[9:]
        both = total.kinds.setdefault(kind, [0.0, 0.0])
        both[0 if which == "all" else 1] += more
    else:
        setattr(total, key, (getattr(total, key) or 0.0) + more)
