"""What came out of trials: kept as a line of JSON each, and told as one table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol


class Case(Protocol):
    """One of the trials that are drawn, which as text says what it is."""

    @property
    def number(self) -> int:
        """Its place in what was drawn."""


HEAD = ("part", "trials", "held", "undo begun, P50", "P99", "max", "undone, P99")


@dataclass(frozen=True)
class Trial:
    """One trial: what it was, and what was wrong, a sentence each; seconds since the session was killed. `what` is its
    case as text, `saw` what is worth to be told besides.

    `came` is whether the moment did at which something was to be done: a drill need not go the same way twice, and a
    trial whose moment never came proves nothing.
    """

    part: str
    number: int
    what: str
    troubles: tuple[str, ...] = ()
    begun_s: float | None = None  # None where there was nothing to undo
    undone_s: float | None = None
    took_s: float = 0.0
    came: bool = True
    kept: str = ""  # where what a trial that failed left is kept
    saw: str = ""
    commit: str = ""  # which muster it was made with

    @property
    def held(self) -> bool:
        return not self.troubles

    def line(self) -> str:
        """The trial in one line for people."""
        undo = "" if self.begun_s is None else f", undo begun {self.begun_s:.2f} s, undone {self.undone_s or 0:.2f} s"
        said = f"FAILED: {'; '.join(self.troubles)}; kept: {self.kept}" if self.troubles else f"held{undo}"
        what = f"{self.what} ({self.saw})" if self.saw else self.what
        what = what if self.came else f"{what} (which never came)"
        return f"{self.part} {self.number}: {what}: {said} ({self.took_s:.0f} s)"


class Kept:
    """The trials of a part with a seed that were made, in a file, so that a run goes on where it was ended."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Trial]:
        """All trials, by number; of one that was made again the last."""
        if not self.path.exists():
            return []
        found: dict[int, Trial] = {}
        for line in self.path.read_text().splitlines():
            said: dict[str, Any] = json.loads(line)
            trial = Trial(**{**said, "troubles": tuple(said["troubles"])})
            found[trial.number] = trial
        return [found[number] for number in sorted(found)]

    def of(self, cases: Iterable[Case]) -> tuple[list[Trial], int]:
        """The trials of these cases, by number, and how many others there are: a seed draws other cases once the drills
        have other steps."""
        wanted = {case.number: str(case) for case in cases}
        trials = self.read()
        found = [trial for trial in trials if wanted.get(trial.number) == trial.what]
        return found, len(trials) - len(found)

    def add(self, trial: Trial) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(trial)) + "\n")


def rows(trials: Iterable[Trial]) -> list[Sequence[str]]:
    """A row a part, in the order in which they come; trials whose moment never came count where they failed alone."""
    parts: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.came or not trial.held:
            parts.setdefault(trial.part, []).append(trial)
    return [_row(part, found) for part, found in parts.items()]


def markdown(head: Sequence[str], table: Iterable[Sequence[str]]) -> str:
    """The table as Markdown, its columns aligned, so that it reads as text as well."""
    lines = [tuple(head), *map(tuple, table)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    told = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    told.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(told)


def quantile(values: Sequence[float], q: float) -> float:
    """The value that a share `q` (0-1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(q * len(ordered)) - 1, 0)]


def _row(part: str, trials: Sequence[Trial]) -> Sequence[str]:
    begun = [trial.begun_s for trial in trials if trial.begun_s is not None]
    undone = [trial.undone_s for trial in trials if trial.undone_s is not None]
    held = sum(trial.held for trial in trials)
    times = [_s(quantile(begun, q)) for q in (0.5, 0.99, 1.0)] if begun else ["-"] * 3
    return (part, str(len(trials)), f"{held} of {len(trials)}", *times, _s(quantile(undone, 0.99)) if undone else "-")


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
