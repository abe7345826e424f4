"""What a check says of readiness, and what all of them say together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from muster.system.version import SystemVersion

SCHEMA = "muster/readiness/v1"
State = Literal["fine", "finding", "unknown", "not applicable"]
Answer = Literal["ready", "not ready", "unknown"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check says, in one line; `evidence` shows it, a line each, and `mend` is how it is mended."""

    state: State
    says: str
    evidence: tuple[str, ...] = ()
    mend: str = ""


def fine(says: str, *evidence: str) -> Result:
    """All is as a release needs it."""
    return Result("fine", says, evidence)


def finding(says: str, *evidence: str, mend: str = "") -> Result:
    """A release must not begin."""
    return Result("finding", says, evidence, mend)


def unknown(says: str, *, mend: str = "") -> Result:
    """It could not be told: no release should begin on that."""
    return Result("unknown", says, (), mend)


def not_applicable(says: str) -> Result:
    """The system lacks what the check looks at, which it may."""
    return Result("not applicable", says)


def worst(states: Iterable[State]) -> State:
    """What states come to: a finding, else what is unknown, else fine; not applicable where all are."""
    found = set(states)
    order: tuple[State, ...] = ("finding", "unknown", "fine")
    return next((state for state in order if state in found), "not applicable")


@dataclass(frozen=True, slots=True)
class Checked:
    """A check by its name, and what it says."""

    name: str
    result: Result


@dataclass(frozen=True, slots=True)
class Category:
    """One of the eight, and its checks."""

    name: str
    checks: tuple[Checked, ...]

    @property
    def state(self) -> State:
        return worst(one.result.state for one in self.checks)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole report of a system as it was at `taken` (UTC). `release` is what is to be brought out, None for what
    runs; `version` is the version that evidence was looked for; `evidence` the kind that counts on this cluster."""

    system: str
    namespace: str
    context: str
    taken: str
    evidence: str
    release: str | None
    version: SystemVersion | None
    categories: tuple[Category, ...]

    @property
    def answer(self) -> Answer:
        """Not ready where anything was found, else unknown where anything could not be told."""
        answers: dict[State, Answer] = {"finding": "not ready", "unknown": "unknown", "fine": "ready"}
        return answers.get(worst(one.state for one in self.categories), "unknown")

    @property
    def exit_code(self) -> int:
        return {"ready": 0, "not ready": 1, "unknown": 2}[self.answer]

    @property
    def reasons(self) -> list[str]:
        """Why it is not ready, or not known, a line each: what was found first."""
        told = [
            (one.result.state, f"{category.name}: {one.name}: {one.result.says}")
            for category in self.categories
            for one in category.checks
        ]
        return [text for wanted in ("finding", "unknown") for state, text in told if state == wanted]

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "taken": self.taken,
            "system": self.system,
            "namespace": self.namespace,
            "context": self.context,
            "evidence": self.evidence,
            "release": self.release,
            "version": None if self.version is None else self.version.to_json(),
            "answer": self.answer,
            "reasons": self.reasons,
            "categories": [
                {
                    "name": category.name,
                    "state": category.state,
                    "checks": [
                        {
                            "name": one.name,
                            "state": one.result.state,
                            "says": one.result.says,
                            "evidence": list(one.result.evidence),
                            "mend": one.result.mend,
                        }
                        for one in category.checks
                    ],
                }
                for category in self.categories
            ],
        }
