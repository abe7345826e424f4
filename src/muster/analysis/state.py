"""What is carried from look to look of one release: small enough to be kept in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from muster.analysis.counts import Tally
from muster.analysis.evidence import THETAS, Table

SIDES = ("stable", "canary")


@dataclass(frozen=True, slots=True)
class Lasting:
    """Of a value: at how many looks running it was above what it may be, and how many samples there were in all."""

    above: int = 0
    samples: float = 0.0


def _by_side() -> dict[str, Mapping[str, Tally]]:
    return {side: {} for side in SIDES}


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the phase so far; `State()` is that of a release that has not begun.

    Attributes:
        at_s: the look before, in seconds since the phase began; None before the first one.
        baked_s, held_s: seconds of the bake that count, and how long it has been held without a break.
        read: what the counters of each side were at the look before.
        total: what counted of each side since the phase began.
        silent_s, due: for how many seconds no request reached canary, and how many would have been due.
        table: the bets on how many requests fail, or are slow.
        lasting: of each value.
        shown: the triggers that were shown to be worse, with the reason that was given then. Chance has not more than
            alpha to bring one here, so that nothing that is seen later takes it away.
    """

    phase: str = ""
    at_s: float | None = None
    baked_s: float = 0.0
    held_s: float = 0.0
    read: Mapping[str, Mapping[str, Tally]] = field(default_factory=_by_side)
    total: Mapping[str, Mapping[str, Tally]] = field(default_factory=_by_side)
    silent_s: float = 0.0
    due: float = 0.0
    table: Table = field(default_factory=Table)
    lasting: Mapping[str, Lasting] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON, some kilobytes of it."""
        return {
            "phase": self.phase,
            "at_s": self.at_s,
            "baked_s": round(self.baked_s, 3),
            "held_s": round(self.held_s, 3),
            "read": _plain(self.read),
            "total": _plain(self.total),
            "silent_s": round(self.silent_s, 3),
            "due": round(self.due, 3),
            "bets": dict(zip(self.table.rows, np.round(self.table.bets, 3).tolist(), strict=True)),
            "staked": self.table.staked,
            "lasting": {name: [one.above, one.samples] for name, one in self.lasting.items()},
            "shown": dict(self.shown),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> State:
        """The state that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none.
        """
        rows = tuple(content["bets"])
        bets = np.array([content["bets"][row] for row in rows], dtype=np.float64).reshape(len(rows), len(THETAS))
        return cls(
            phase=str(content["phase"]),
            at_s=None if content["at_s"] is None else float(content["at_s"]),
            baked_s=float(content["baked_s"]),
            held_s=float(content["held_s"]),
            read={side: content["read"][side] for side in SIDES},
            total={side: content["total"][side] for side in SIDES},
            silent_s=float(content["silent_s"]),
            due=float(content["due"]),
            table=Table(rows, bets, float(content["staked"])),
            lasting={
                name: Lasting(int(above), float(samples)) for name, (above, samples) in content["lasting"].items()
            },
            shown=dict(content["shown"]),
        )


def _plain(sides: Mapping[str, Mapping[str, Tally]]) -> dict[str, dict[str, dict[str, float]]]:
    return {side: {name: dict(tally) for name, tally in tallies.items()} for side, tallies in sides.items()}
