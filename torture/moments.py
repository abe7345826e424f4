"""When a session is killed: at each of the steps that its timeline names, and at any time. Pure.

A *boundary* is a line of the timeline by which a drill enters its next step; its label is the same in each run of the
drill. `boundaries.json` has, for each drill, those that a rehearsal went through.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from muster.base.timeline import Event

WAYS = ("pytest", "group", "all")  # who is killed: pytest alone, its process group, every process but the guardian
LATER_S = (0.3, 4.0)  # from a boundary on: soon after it, or at any time of the step that it begins
LAST_MOMENT = "phase undo"
CHANGES = 5  # of a procedure that count as steps: some make dozens
Course = list[str]  # the boundaries of a drill, in their order
# Nothing undoes the loss of volumes: killed before its procedure was through, it leaves databases that are empty. The
# fault and the procedure of `detection` are killed elsewhere, and it would wait for its alert in every trial. Of the
# drills of releases, all of which do the same, two are killed, and releases themselves by `torture.releases`.
NOT_KILLED = {"disaster", "detection", "release_crashes", "release_errs_on_one_kind", "release_has_incompatible_agents"}
NOT_KILLED |= {
    "release_is_good",
    "release_is_slow",
    "release_leaks",
    "release_loses_writes",
    "release_that_is_not_seen",
}
NOT_KILLED |= {"release_whose_watcher_dies", "rollback_under_high_load"}
FILE = Path(__file__).with_name("boundaries.json")


@dataclass(frozen=True)
class Case:
    """A trial: which drill is killed, how, and when: as soon as a boundary is seen, or `after_s` seconds later."""

    number: int
    drill: str
    way: str
    boundary: str
    after_s: float = 0.0

    def __str__(self) -> str:
        when = f"{self.after_s:.2f} s after" if self.after_s else "at"
        return f"{self.drill}, {self.way} killed {when} '{self.boundary}'"


class Boundaries:
    """The labels of a drill's boundaries as its events come."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._changes = 0

    def of(self, event: Event) -> str | None:
        """The label of an event, if it is a boundary that was not passed before."""
        label = self._label(event)
        if label is None or label in self._seen:
            return None
        self._seen.add(label)
        return label

    def _label(self, event: Event) -> str | None:
        label = None
        match event["kind"]:
            case "phase":
                label = f"phase {event['phase']}"
            case "fault.effect" if event["observed"]:
                label = "fault.effect"
            case "fault.sent" | "fault.done" | "fault.undone" as kind:
                label = str(kind)
            case "recovery.began" | "recovery.ended" as kind:
                label = f"{event['procedure']} {kind.removeprefix('recovery.')}"
            case "recovery.step":
                label = f"{event['procedure']}: {event['step']}: {event['state']}"
            case "recovery.change":
                self._changes += 1
                label = f"change {self._changes}" if self._changes <= CHANGES else None
        return label


def course(events: Iterable[Event]) -> list[str]:
    """The boundaries that a drill passed, by its timeline."""
    seen = Boundaries()
    return [label for event in events if (label := seen.of(event))]


def before_undo(course: Course) -> Course:
    """The boundaries that come before a drill undoes its fault."""
    return course[: course.index(LAST_MOMENT)] if LAST_MOMENT in course else []


def draw(courses: Mapping[str, Course], count: int, seed: int, ways: Sequence[str] = WAYS) -> list[Case]:
    """`count` trials over all drills, half of them at boundaries and half at any time.

    Each label is drawn for one drill at least, if there is room; then the other boundaries follow, none twice before
    each has come once.
    """
    chance = random.Random(seed)
    at = _at_boundaries(courses, count - count // 2, chance)
    drills = _in_turns(sorted(courses), count // 2, chance)
    turns = _in_turns(ways, count, chance)
    anytime = [
        (drill, chance.choice(courses[drill]), round(chance.uniform(0, chance.choice(LATER_S)), 3)) for drill in drills
    ]
    drawn = [*((drill, label, 0.0) for drill, label in at), *anytime]
    chance.shuffle(drawn)
    return [
        Case(number, drill, way, boundary, after_s)
        for number, ((drill, boundary, after_s), way) in enumerate(zip(drawn, turns, strict=True))
    ]


def alone(courses: Mapping[str, Course], count: int, seed: int) -> list[Case]:
    """The same, with everything killed, the guardian first."""
    return draw(courses, count, seed, ("alone",))


def _at_boundaries(courses: Mapping[str, Course], count: int, chance: random.Random) -> list[tuple[str, str]]:
    there = [(drill, label) for drill, course in sorted(courses.items()) for label in course]
    chance.shuffle(there)
    first, rest, labels = list[tuple[str, str]](), list[tuple[str, str]](), set[str]()
    for drill, label in there:
        (rest if label in labels else first).append((drill, label))
        labels.add(label)
    every = [*first, *rest]
    return [every[number % len(every)] for number in range(count)] if every else []


def _in_turns(things: Sequence[str], count: int, chance: random.Random) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        found += chance.sample(things, len(things))
    return found[:count]


def read_courses(path: Path = FILE) -> dict[str, Course]:
    """The boundaries of the drills when they were last rehearsed, by name."""
    found: dict[str, Course] = json.loads(path.read_text())
    return found


def write_courses(courses: Mapping[str, Course], path: Path = FILE) -> None:
    """Write down the boundaries of drills, beside those that are there."""
    known = read_courses(path) if path.exists() else {}
    path.write_text(json.dumps({**known, **courses}, indent=1, sort_keys=True) + "\n")
