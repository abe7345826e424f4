"""What a person, and what a program, is shown of a release: its plan, how it goes, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from muster.cli.recovery.printing import COLUMNS, StepPrinter

if TYPE_CHECKING:
    from muster.analysis import Decision
    from muster.release.contents import Contents, Rolled
    from muster.release.record import Release
    from muster.release.returning import Returned
    from muster.release.traffic import TrafficWay
    from muster.release.wanted import Wanted
    from muster.steps import StepOutcome
    from muster.system import SystemDefinition
    from muster.system.release_analysis import ReleaseAnalysis

SCHEMA = "muster/release-result/v1"
INDENT = 10
EVERY = 10  # in a pipe not every look is a line


class ReleasePrinter(StepPrinter):
    """Prints a release as it goes. On a terminal a bake is one line that changes; in a pipe a line now and then."""

    def __init__(self, *, live: bool, silent: bool = False) -> None:
        super().__init__(live=live, silent=silent)
        self.returned: Returned | None = None
        self._looks = 0
        self._said = ""

    def phase(self, release: Release) -> None:
        """Say that a phase begins."""
        self._looks, self._said = 0, ""
        self._say(f"-- {release.phase} of {release.target} --")

    def decided(self, decision: Decision) -> None:
        """Say what a look showed."""
        self._looks += 1
        line = f"{decision.action!s:<9} {decision.left_s:6.0f} s left  {decision.why}"
        if self._live:
            self._say(f"\r\x1b[K{line[: COLUMNS - 1]}", nl=False)
        elif self._looks % EVERY == 1 or str(decision.action) != self._said:
            self._say(line)
        self._said = str(decision.action)

    def ended(self, outcome: StepOutcome) -> None:
        """Say how a step ended; what there was nothing to do in is not worth a line."""
        if outcome.state == "skipped":
            if self._live:
                self._say("\r\x1b[K", nl=False)
            return
        super().ended(outcome)

    def over(self, release: Release, returned: Returned | None) -> None:
        """Say how it ended, or that it is left where it is."""
        self.returned = returned
        if self._live:
            self._say("\r\x1b[K", nl=False)
        for line in ending(release, returned):
            self._say(line)


def ending(release: Release, returned: Returned | None) -> Iterator[str]:
    """How a release ended, in a few lines."""
    rehearsed = " (a rehearsal)" if release.time_scale != 1 else ""
    yield f"{release.target}: {release.state.upper() if release.state != 'released' else 'released'}{rehearsed}"
    if release.state == "released":
        return
    if release.why:
        yield f"why: {release.why}"
    if returned is not None:
        yield str(returned)
    if release.state == "paused":
        yield f"it has {release.share.possible:.0%} of traffic"
        yield "go on: muster deploy --continue; go back: muster rollback"


def as_json(release: Release, returned: Returned | None) -> dict[str, Any]:
    """How a release is, for programs."""
    content = release.model_dump(mode="json", exclude={"bake": {"analysis", "counters"}})
    return {"schema": SCHEMA, "release": content, "returned": None if returned is None else returned.to_json()}


def watch_lines(settings: ReleaseAnalysis, left: list[str]) -> Iterator[str]:
    """What a release would be watched by, and what is left out of that."""
    yield f"{'watches':<{INDENT}}{', '.join(settings.names())}"
    for line in left:
        yield f"{'':<{INDENT}}{line}"


def plan_lines(wanted: Wanted, contents: Contents, system: SystemDefinition, way: TrafficWay | None) -> Iterator[str]:
    """What a release would do."""
    from muster.release.canary import copies, names
    from muster.wire.canary import beside

    for rolled in contents.rolled:
        part = "clients come in by it" if rolled.serves else "works beside the old one"
        yield f"{'twice':<{INDENT}}Deployment {rolled.name} (as {beside(rolled.name)}): {part}"
    if made := [*contents.first, *copies(contents, "")]:
        yield f"{'makes':<{INDENT}}{names(made)}"
    if contents.migration is not None:
        change = wanted.told.database
        fits = "the old version works on after it" if change and change.backward_compatible else "NO WAY BACK after it"
        yield f"{'database':<{INDENT}}Job {contents.migration['metadata']['name']}: {fits}"
    if way is not None:
        yield f"{'traffic':<{INDENT}}by {way.name}"
    for phase in system.release.phases:
        share = f"{phase.share:.0%} of traffic" if way is not None else f"{phase.share:.0%} of pods"
        possible = way.possible(phase.share) if way is not None else phase.share
        told = "" if abs(possible - phase.share) < 0.005 else f", which so many pods make {possible:.0%}"
        pods = ", ".join(f"{_pods(one, phase.share, way)} of {beside(one.name)}" for one in contents.rolled)
        yield f"{phase.name:<{INDENT}}{share}{told}, for {lasting(phase.bake_s)}; pods: {pods}"
    last = [str(one) for one in (*contents.configurations, *contents.last)]
    yield f"{'promote':<{INDENT}}{', '.join([*last, *(f'Deployment {one.name}' for one in contents.rolled)])}"


def lasting(seconds: float) -> str:
    """A time for people."""
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def _pods(rolled: Rolled, share: float, way: TrafficWay | None) -> int:
    from muster.release.canary import replicas_for
    from muster.release.traffic import ReplicaShares

    if rolled.serves and isinstance(way, ReplicaShares):
        return way.pods(share)
    return replicas_for(share, rolled.replicas)
