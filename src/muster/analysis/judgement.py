"""What is said of a look: of each trigger, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class TriggerVerdict(StrEnum):
    """What is known of a trigger. `NO_DATA` is never as good as `FINE`."""

    FINE = "fine"
    WORSE = "worse"
    UNDECIDED = "undecided"
    NO_DATA = "no data"


class Action(StrEnum):
    """What is to be done after a look."""

    GO_ON = "go on"
    PROMOTE = "promote"
    HOLD = "hold"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one trigger says, in a line for people, by so many `samples` of canary, of which `least` are needed.

    `alike`: stable fares as badly, so that the release is probably not the reason.
    """

    trigger: str
    verdict: TriggerVerdict
    reason: str
    samples: float
    least: int
    alike: bool = False

    @property
    def enough(self) -> bool:
        """Whether the samples are enough to leave the phase."""
        return self.samples >= self.least


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and why in one line; `baked_s` of the bake count, `left_s` remain, held since `held_s`."""

    action: Action
    why: str
    judgements: tuple[Judgement, ...]
    baked_s: float
    left_s: float
    held_s: float

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "action": str(self.action),
            "why": self.why,
            "baked_s": round(self.baked_s, 3),
            "left_s": round(self.left_s, 3),
            "held_s": round(self.held_s, 3),
            "triggers": [
                {
                    "name": one.trigger,
                    "verdict": str(one.verdict),
                    "reason": one.reason,
                    "samples": one.samples,
                    "least": one.least,
                    "alike": one.alike,
                }
                for one in self.judgements
            ],
        }
