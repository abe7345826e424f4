"""How a procedure and each of its steps ended, and who is told of it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from muster.steps.procedure import Step


@dataclass(frozen=True)
class StepOutcome:
    """How a step ended: `state` is skipped, done or failed; times are CLOCK_MONOTONIC seconds."""

    name: str
    state: str
    detail: str
    began: float
    ended: float


@dataclass(frozen=True)
class Outcome:
    """How a procedure ended; `why` is the failing step's sentence, empty where all went well."""

    procedure: str
    ok: bool
    why: str
    steps: tuple[StepOutcome, ...]
    began: float
    ended: float


class StepObserver(Protocol):
    """Who is told of each step while the procedure runs."""

    def began(self, step: Step, /) -> None: ...

    def waits(self, step: Step, what: str, /) -> None: ...

    def ended(self, outcome: StepOutcome, /) -> None: ...
