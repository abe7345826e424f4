"""`rollback` as a recovery procedure: what a drill names, and what `muster rollback` does in earnest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from muster.base.clock import now
from muster.base.errors import RefusedError
from muster.release.needs import needs_to_roll_back
from muster.release.record import Release, find_release
from muster.release.returning import Returning
from muster.release.taking_back import begin_rollback
from muster.release.telling import PROCEDURE
from muster.safety.rights import Right
from muster.steps import Context, Step, StepOutline
from muster.system import SystemDefinition

OUTLINE = (
    StepOutline("find the release", "looks which release is under way, and how far it is", acts=False),
    StepOutline("lead all to the old version", "gives it all traffic, and asks as clients do until it alone answers"),
    StepOutline("remove the new version", "deletes what was made for the release"),
)
WHY = "by the procedure rollback"


class Rollback:
    """All traffic to the old version, verified, whoever looks after the release; then the new one is removed.

    A release that decides by itself to go back does the same by itself, and tells a drill's timeline so.
    """

    name = PROCEDURE
    summary = "a new version does worse than the old one: all traffic to the old one, and the new one removed"
    parameters: Mapping[str, str] = MappingProxyType(
        {
            "reason": f"why, for the release's record (default: {WHY})",
            "force": "yes: also where the database was changed, and not so that the old version works on",
        }
    )

    def needs(self, context: Context) -> Iterable[Right]:
        return needs_to_roll_back(context.system)

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        """None where system.yaml does not say how a release would be judged: then none is brought out."""
        return OUTLINE if system.metrics is not None and system.metrics.requests is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Rollback(context)
        yield Step("find the release", work.find, work.told, lambda: True, acts=False)
        yield Step(
            "lead all to the old version",
            work.is_under_way,
            work.lead,
            lambda: True,
            would=lambda: f"all traffic of Service/{context.system.service.name} to the old version",
        )
        yield Step(
            "remove the new version",
            work.is_under_way,
            work.clear,
            lambda: True,
            would=lambda: "the Deployments and Services that were made for the release",
        )


class _Rollback:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: Release | None = None
        self._returning: Returning | None = None

    def find(self) -> bool:
        """Whether a release is under way."""
        self._found = find_release(self._context.cluster, self._context.namespace)
        return self.is_under_way()

    def told(self) -> str:
        """Which one, where it may be taken back."""
        found = self._found
        assert found is not None
        if found.changed_for_good and self._context.arguments.get("force") != "yes":
            raise RefusedError(
                f"refused: {found.target} has changed the database, and not so that the old version works on; go on "
                "with 'muster deploy --continue', or force the way back with force=yes"
            )
        return f"{found.target} is {found.state} at phase {found.phase}, with {found.share.possible:.0%} of traffic"

    def is_under_way(self) -> bool:
        """Whether there is anything to take back."""
        return self._found is not None and not self._found.is_over

    def lead(self) -> str:
        """Bring all traffic to the old version; raises as `Returning.back`."""
        context, found = self._context, self._found
        assert found is not None
        why = context.arguments.get("reason", WHY)
        decided = now()
        self._returning = begin_rollback(context.cluster, context.system, found, why, context.url, decided=decided)
        context.changed(f"Service/{context.system.service.name}")
        returned = self._returning.back(why)
        return "it had shared no traffic" if returned is None else str(returned)

    def clear(self) -> str:
        """Remove the new version; raises as `Returning.clear`."""
        assert self._returning is not None
        return self._returning.clear()
