"""What a check is, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import get_args

from muster.checks.seen import Seen
from muster.snapshot import Ref
from muster.system.own_checks import Category

# The categories of a release's readiness, of which every check has one.
CATEGORIES = get_args(Category)


class Harm(IntEnum):
    """What is lost while it lasts, whoever is asked; how severe that is depends on what it is lost to."""

    NONE = 0  # nothing yet
    PART = 1  # less of something than is wanted
    WHOLE = 2  # something does not work at all


@dataclass(frozen=True)
class Remedy:
    """A recovery procedure by its name, with its arguments."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    `reason` is one line that goes on after the object's kind and name. `since` is ISO 8601, empty where nothing tells.
    `relies_on` are the objects that it would follow from, were something wrong with them; with `open_cause` so are all
    that its object uses: its configuration, its volumes, its node, the Services that it asks. `remedy` is what mends
    it, where the check knows. `severity` (P1 to P4) stands where a rule of the check's own says it, not `harm`.
    """

    ref: Ref
    reason: str
    harm: Harm
    since: str = ""
    evidence: tuple[str, ...] = ()
    relies_on: tuple[Ref, ...] = ()
    open_cause: bool = False
    remedy: Remedy | None = None
    check: str = ""
    severity: str = ""


@dataclass(frozen=True)
class Unknown:
    """Something that could not be seen: `what`, and `why` in one line."""

    what: str
    why: str


Look = Callable[[Seen], Iterable[Finding | Unknown]]


@dataclass(frozen=True)
class Check:
    """A look at one thing. `needs` are the parts of a snapshot without which it says nothing: kinds of objects, or
    names of answers; where one is missing the check is unknown. `remedies` name the procedures that may mend what it
    finds: the finding, or the diagnosis by what system.yaml says, names one of them, or none."""

    name: str
    summary: str  # one line for people
    category: str
    look: Look
    needs: tuple[str, ...] = field(default=())
    remedies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.category in CATEGORIES, f"check '{self.name}' is of no category that there is: {self.category}"
