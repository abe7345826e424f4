"""A recording played against a plan and triggers, which may be others than those it was made with."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from muster.analysis import words
from muster.analysis.decide import decide
from muster.analysis.judgement import Action, Decision, TriggerVerdict
from muster.analysis.look import Look
from muster.analysis.plan import Plan
from muster.analysis.rehearsing import scaled
from muster.analysis.state import State
from muster.base.errors import UsageError
from muster.system.release_analysis import ReleaseAnalysis

SCHEMA = "muster/release-replay/v1"
WIDTH = 80


class Outcome(StrEnum):
    """How a release would have ended. `CUT_SHORT`: the recording ends, or leaves a phase, before the plan does."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    CUT_SHORT = "cut short"


@dataclass(frozen=True, slots=True)
class Step:
    """A look at which what is to be done was no longer what it was: `at_s` seconds into the phase."""

    phase: str
    at_s: float
    action: Action
    why: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Where a release would have ended: the phase, seconds into it (`at_s`) and into the release (`in_all_s`), and why.

    `decision` is the last one that was taken.
    """

    outcome: Outcome
    phase: str
    at_s: float
    in_all_s: float
    why: str
    looks: int
    steps: tuple[Step, ...]
    decision: Decision

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "schema": SCHEMA,
            "outcome": str(self.outcome),
            "phase": self.phase,
            "at_s": round(self.at_s, 3),
            "in_all_s": round(self.in_all_s, 3),
            "why": self.why,
            "looks": self.looks,
            "steps": [
                {"phase": step.phase, "at_s": round(step.at_s, 3), "action": str(step.action), "why": step.why}
                for step in self.steps
            ],
            "decision": self.decision.to_json(),
        }


def as_recorded(settings: ReleaseAnalysis, look: Look) -> tuple[ReleaseAnalysis, list[str]]:
    """The settings as they hold for a release of which this is a look, and a sentence for each way in which they are
    other than they are for the next one: a system may have had nothing for a trigger, and a rehearsal fewer samples.

    Raises:
        UsageError: none of its triggers is looked at by these settings.
    """
    left = [] if look.triggers is None else [name for name in settings.names() if name not in look.triggers]
    try:
        found = settings.without(*left)
    except ValueError:
        raise UsageError(
            f"the recording was made by {', '.join(look.triggers or ())}, of which system.yaml looks at nothing; right "
            f"would be one of these in release.analysis"
        ) from None
    said = [f"{name} is not looked at: it was not when this was recorded" for name in left]
    if look.time_scale != 1:
        said.append(f"a rehearsal was recorded, {look.time_scale:g} times shorter: of the least samples less is asked")
    return scaled(found, look.time_scale), said


def replay(looks: Iterable[Look], plan: Plan, settings: ReleaseAnalysis) -> Replay:
    """What would have become of a release of which these are the looks, at least one.

    Raises:
        UsageError: a look is of a phase that the plan has not, or of one that came before.
        ValueError: there is no look.
    """
    player = _Player(plan, settings)
    for look in looks:
        if (ended := player.play(look)) is not None:
            return ended
    return player.end()


class _Player:
    """What a replay knows between two looks."""

    def __init__(self, plan: Plan, settings: ReleaseAnalysis) -> None:
        self._plan, self._settings = plan, settings
        self._state = State()
        self._decision: Decision | None = None
        self._steps: list[Step] = []
        self._looks = 0
        self._earlier_s = 0.0
        self._at_s = 0.0
        self._phase = ""
        self._promoted: list[str] = []

    def play(self, look: Look) -> Replay | None:
        """The end, where this look brings it."""
        self._looks += 1
        if look.phase != self._phase:
            self._earlier_s += self._at_s
            self._phase = look.phase
        self._at_s = look.at_s
        if look.phase in self._promoted:
            return None  # the release that was recorded stayed longer than this plan would
        decision, self._state = decide(look, self._state, self._plan, self._settings)
        if not self._steps or (self._steps[-1].phase, self._steps[-1].action) != (look.phase, decision.action):
            self._steps.append(Step(look.phase, look.at_s, decision.action, decision.why))
        self._decision = decision
        if decision.action is Action.ROLL_BACK:
            return self._ended(Outcome.ROLLED_BACK, decision.why)
        if decision.action is Action.PROMOTE:
            self._promoted.append(look.phase)
            if self._promoted == [phase.name for phase in self._plan.phases]:
                return self._ended(Outcome.PROMOTED, decision.why)
        return None

    def end(self) -> Replay:
        """The end of a recording that brought none."""
        left = [phase.name for phase in self._plan.phases if phase.name not in self._promoted]
        return self._ended(Outcome.CUT_SHORT, f"the recording ends before the plan does: {', '.join(left)} not baked")

    def _ended(self, outcome: Outcome, why: str) -> Replay:
        if self._decision is None:
            raise ValueError("a replay needs a look at least")
        in_all_s = self._earlier_s + self._at_s
        steps = tuple(self._steps)
        return Replay(outcome, self._phase, self._at_s, in_all_s, why, self._looks, steps, self._decision)


_SIGN = {
    TriggerVerdict.FINE: "ok",
    TriggerVerdict.WORSE: "WORSE",
    TriggerVerdict.UNDECIDED: "open",
    TriggerVerdict.NO_DATA: "?",
}


def replay_lines(found: Replay) -> Iterator[str]:
    """The text, a line each, none longer than 80 columns."""
    where = f"in phase {found.phase} after {words.span(found.at_s)} ({words.span(found.in_all_s)} in all)"
    yield f"{found.outcome} {where}"
    yield from _wrapped(found.why, "  ")
    yield ""
    for step in found.steps:
        yield from _wrapped(f"{step.phase}, {words.span(step.at_s)}: {step.action}: {step.why}", "  ")
    yield ""
    yield from decision_lines(found.decision)


def decision_lines(decision: Decision) -> Iterator[str]:
    """What each trigger says, a line each or more."""
    for one in decision.judgements:
        yield from _wrapped(f"{_SIGN[one.verdict]:<6}{one.trigger}: {one.reason}", "  ", more="      ")


def _wrapped(text: str, first: str, more: str = "  ") -> list[str]:
    later = first + more
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
