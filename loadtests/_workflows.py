"""What must stand in the enhancer's answers about workflows: the checks that the loads of this folder share.

A check can fail only if it knows what must be there. So a load remembers what was acknowledged to it, with its content,
and an answer is held against that: neither an empty list nor one whose entries have lost their payload passes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muster.load.openloop import Answer  # which imports Locust, and Locust patches whoever imports it

REMEMBERED = 1000
LISTED = 20  # what people's screens show
AGENTS = {f"agent-{number:02}" for number in range(1, 62)}


@dataclass(frozen=True, slots=True)
class Made:
    """A workflow that was acknowledged."""

    id: str
    title: str
    payload: dict[str, Any]
    created: datetime

    def fits(self, shown: dict[str, Any]) -> bool:
        """Whether a workflow that is shown is this one, as it was made."""
        return (shown["id"], shown["title"], shown["payload"]) == (self.id, self.title, self.payload)


class Known:
    """The latest workflows that were acknowledged."""

    def __init__(self) -> None:
        self._made: deque[Made] = deque(maxlen=REMEMBERED)
        self._by_id: dict[str, Made] = {}

    def __len__(self) -> int:
        return len(self._made)

    @property
    def newest(self) -> Made | None:
        """The one made last, if there is one."""
        return self._made[-1] if self._made else None

    def any(self, source: Random) -> Made:
        """One of them."""
        return source.choice(self._made)

    def get(self, identity: str) -> Made | None:
        """That of an id, if it is remembered."""
        return self._by_id.get(identity)

    def take(self, asked: dict[str, Any], answer: Answer) -> None:
        """Look at the answer to the creation of what was asked for, and remember it as acknowledged."""
        shown = answer.js
        made = Made(asked["id"], asked["title"], asked["payload"], datetime.fromisoformat(shown["created"]))
        assert made.fits(shown)
        if len(self._made) == REMEMBERED:
            self._by_id.pop(self._made[0].id, None)
        self._made.append(made)
        self._by_id[made.id] = made
        answer.acknowledged(made.id)


def check_list(answer: Answer, known: Known, must_hold: Made | None) -> list[dict[str, Any]]:
    """Look at a list of the newest workflows, and return it: newest first, and each of ours as it was made.

    `must_hold` was there before it was asked for: it is missing only where there are enough newer ones.
    """
    listed: list[dict[str, Any]] = answer.js["workflows"]
    assert len(listed) <= LISTED, f"{len(listed)} workflows, not at most {LISTED}"
    created = [datetime.fromisoformat(shown["created"]) for shown in listed]
    assert created == sorted(created, reverse=True), "not newest first"
    for shown in listed:
        assert shown["title"], f"{shown['id']} has no title"
        if (made := known.get(shown["id"])) and not made.fits(shown):
            answer.altered(made.id)
    if must_hold and must_hold.id not in {shown["id"] for shown in listed}:
        enough_newer = len(listed) == LISTED and created[-1] >= must_hold.created
        if not enough_newer:
            answer.lost(must_hold.id, f"{must_hold.id} is not in the list")
    return listed
