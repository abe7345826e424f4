"""Taking one step: looked at, on record before it acts, done, verified, told of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from muster.base.clock import Clock
from muster.base.errors import MusterError, RefusedError, TimeoutExceededError
from muster.base.waiting import wait_for
from muster.steps.outcome import StepObserver, StepOutcome
from muster.steps.procedure import Step
from muster.steps.waiting import Waiting

LOOK_EVERY_S = 0.03


class Turn(Protocol):
    """What lets one act and no other: `lost` is why it is not ours any more, empty while it is."""

    lost: str


class Noted(Protocol):
    """Where it is kept how far something came. Each may raise a MusterError, and then the step must not act."""

    def acts(self, step: str, /) -> None:
        """A step is about to act."""

    def acted(self, step: str, did: str, /) -> None:
        """A step has acted."""

    def failed(self, why: str, /, *, refused: bool) -> None:
        """A step failed; `refused` is whether it refused to act at all."""


class Told(Protocol):
    """Who writes down how steps go."""

    def step(self, step: Step, state: str, detail: str, /) -> None: ...

    def waits(self, step: Step, what: str, /) -> None: ...


def check_turn(turn: Turn) -> None:
    """Let pass whoever has its turn still.

    Raises:
        RefusedError: it was taken for dead, and another has gone on.
    """
    if turn.lost:
        raise RefusedError(f"refused: {turn.lost}")


@dataclass(frozen=True)
class Running:
    """One execution of a procedure, which takes step after step."""

    log: Told
    record: Noted
    turn: Turn
    clock: Clock
    observer: StepObserver | None

    def take(self, step: Step) -> StepOutcome:
        """How a step ended; a failure does not raise."""
        if self.observer:
            self.observer.began(step)
        outcome = self._take(step)
        if self.observer:
            self.observer.ended(outcome)
        return outcome

    def _take(self, step: Step) -> StepOutcome:
        began = self.clock.now()
        self.log.step(step, "began", "")
        state, detail = "failed", ""
        try:
            if not step.check():
                state, detail = "skipped", "nothing to do"
            else:
                if step.acts:
                    check_turn(self.turn)
                    self.record.acts(step.name)
                state, detail = self._do(step)
        except MusterError as error:
            detail = str(error)
            detail += self._noted(detail, refused=isinstance(error, RefusedError))
        self.log.step(step, state, detail)
        return StepOutcome(step.name, state, detail, began, self.clock.now())

    def _do(self, step: Step) -> tuple[str, str]:
        did = step.do()
        if step.acts:
            self.record.acted(step.name, did)
        wait = Waiting(step.verify, step.waits_for or str, self._telling(step), self.clock)
        latest = wait.latest if step.waits_for else None
        limit_s, reason = step.within_s, "it to take effect"
        try:
            wait_for(wait.look, within=limit_s, every=LOOK_EVERY_S, reason=reason, clock=self.clock, latest=latest)
        except TimeoutExceededError as error:
            why = f"{did}, but {error}"
            return "failed", why + self._noted(why, refused=False)
        return "done", did

    def _telling(self, step: Step) -> Callable[[str], None]:
        def told(what: str) -> None:
            self.log.waits(step, what)
            if self.observer:
                self.observer.waits(step, what)

        return told

    def _noted(self, why: str, *, refused: bool) -> str:
        """Note a failure; what is to be added to its sentence where that cannot be noted."""
        try:
            self.record.failed(why, refused=refused)
        except MusterError as error:
            return f" (and its record cannot be brought up to date: {error})"
        return ""
