"""The parts of the proof: which trials each draws, and where they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torture import moments, pairs
from torture.results import Trial


class Place(Protocol):
    """Where trials of a part follow each other."""

    def trial(self, case: Any, keep: Path) -> Trial:
        """Make one; where something is wrong, what it wrote is kept in `keep`."""


@dataclass(frozen=True)
class Part:
    """`draw` gives the cases of `count` trials with a seed, over drills; `place` is where they are made."""

    count: int | None  # None: all that there are
    draw: Callable[[Sequence[str], Any, int], Sequence[Any]]
    place: Callable[[], AbstractContextManager[Place]]


def _courses(drills: Sequence[str]) -> Mapping[str, moments.Course]:
    return {name: one for name, one in moments.read_courses().items() if not drills or name in drills}


def _victims() -> AbstractContextManager[Place]:
    from torture.kills import victims  # noqa: PLC0415 - slow

    return victims()


def _stand_in() -> AbstractContextManager[Place]:
    from torture.calls import stand_in  # noqa: PLC0415 - slow

    return stand_in()


def _calls(experiments: Sequence[str], count: int | None, seed: int) -> Sequence[Any]:
    from torture.calls import draw  # noqa: PLC0415 - slow

    return draw(experiments, count, seed)


def _cuts() -> AbstractContextManager[Place]:
    from torture.cuts import cuts  # noqa: PLC0415 - slow

    return cuts()


def _writes(procedures: Sequence[str], count: int | None, seed: int) -> Sequence[Any]:
    from torture.cuts import draw  # noqa: PLC0415 - slow

    return draw(procedures, count, seed)


def _kills_of_senders() -> AbstractContextManager[Place]:
    from torture.outbox import kills  # noqa: PLC0415 - slow

    return kills()


def _sendings(count: int | None, seed: int) -> Sequence[Any]:
    from torture.outbox import draw  # noqa: PLC0415 - slow

    return draw(count, seed)


def _watching() -> AbstractContextManager[Place]:
    from torture.watching import watching  # noqa: PLC0415 - slow

    return watching()


def _watchings(drills: Sequence[str], count: int | None, seed: int) -> Sequence[Any]:
    from torture.watching import draw  # noqa: PLC0415 - slow

    return draw(drills, count, seed)


def _kills_of_coordinators() -> AbstractContextManager[Place]:
    from torture.releases import kills  # noqa: PLC0415 - slow

    return kills()


def _releases(count: int | None, seed: int) -> Sequence[Any]:
    from torture.releases import draw  # noqa: PLC0415 - slow

    return draw(count, seed)


PARTS = {
    "kills": Part(200, lambda drills, count, seed: moments.draw(_courses(drills), count, seed), _victims),
    "alone": Part(50, lambda drills, count, seed: moments.alone(_courses(drills), count, seed), _victims),
    "pairs": Part(50, lambda _, count, seed: pairs.draw(count, seed), pairs.meeting),
    "api": Part(None, _calls, _stand_in),
    "cuts": Part(None, _writes, _cuts),
    "outbox": Part(50, lambda _, count, seed: _sendings(count, seed), _kills_of_senders),
    "releases": Part(50, lambda _, count, seed: _releases(count, seed), _kills_of_coordinators),
    "monitor": Part(20, _watchings, _watching),
}
