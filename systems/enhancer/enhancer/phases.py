"""The eight phases of a workflow, and what an agent makes in each."""

import hashlib
from dataclasses import dataclass

PHASES = ("explore", "plan", "skeleton", "implement", "test", "review", "release", "monitor")


class PhaseFailedError(Exception):
    """An agent could not do a phase; it is done again, by whoever claims it."""


@dataclass(frozen=True)
class Work:
    """A phase to be done: `phase` is its index in PHASES, `previous` the artefact of the phase before it."""

    workflow: str
    phase: int
    previous: str
    content: str


def perform(work: Work) -> str:
    """The artefact of a phase, a function of nothing but its input: doing a phase again changes nothing.

    Artefacts form a chain of SHA-256 digests over the content, so that anybody can check that no phase was
    left out or done on another workflow's content (`chain`).
    """
    text = f"{PHASES[work.phase]}\n{work.previous}\n{work.content}"
    return hashlib.sha256(text.encode()).hexdigest()


def chain(workflow: str, content: str) -> list[str]:
    """All eight artefacts of a workflow, in order."""
    artefacts: list[str] = []
    for phase in range(len(PHASES)):
        previous = artefacts[-1] if artefacts else ""
        artefacts.append(perform(Work(workflow, phase, previous, content)))
    return artefacts


def state(done: int) -> str:
    """State of a workflow of which `done` phases are recorded: waiting, running or done."""
    if done == 0:
        return "waiting"
    return "done" if done >= len(PHASES) else "running"
