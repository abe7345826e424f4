"""All who are told how a release goes, as one: who prints it, and who follows it beside that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from muster.analysis import Decision, Look
    from muster.cli.release.printing import ReleasePrinter
    from muster.release.record import Release
    from muster.release.returning import Returned
    from muster.steps import Step, StepOutcome


class Follower(Protocol):
    """Who is told of a release, but not of its single steps."""

    def phase(self, release: Release, /) -> None:
        """A phase begins."""

    def decided(self, decision: Decision, look: Look, /) -> None:
        """A look was taken, and this was decided after it."""

    def over(self, release: Release, returned: Returned | None, /) -> None:
        """It has ended, or is left where it is."""


class Watching:
    """Prints a release, and tells the others."""

    def __init__(self, printer: ReleasePrinter, *followers: Follower) -> None:
        self._printer, self._followers = printer, followers

    def began(self, step: Step) -> None:
        """A step began."""
        self._printer.began(step)

    def waits(self, step: Step, what: str) -> None:
        """A step waits."""
        self._printer.waits(step, what)

    def ended(self, outcome: StepOutcome) -> None:
        """A step ended."""
        self._printer.ended(outcome)

    def phase(self, release: Release) -> None:
        """A phase begins."""
        self._printer.phase(release)
        for one in self._followers:
            one.phase(release)

    def decided(self, decision: Decision, look: Look) -> None:
        """A look was taken, and this was decided after it."""
        self._printer.decided(decision)
        for one in self._followers:
            one.decided(decision, look)

    def over(self, release: Release, returned: Returned | None) -> None:
        """It has ended, or is left where it is."""
        self._printer.over(release, returned)
        for one in self._followers:
            one.over(release, returned)
