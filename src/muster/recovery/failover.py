"""The primary is lost, and a tool of the database's own knows how to promote a standby: have it do so, once.

CloudNativePG, Patroni or a command of the operator's fences the old primary and leads clients to the new one; here it
is decided whether the primary is lost, which standby is to take its place, and whether that worked. Where the tool has
acted by itself meanwhile, nothing is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import ClusterError, RefusedError
from muster.recovery.stages import Service
from muster.steps import Context, Step, StepOutline
from muster.system.databases import Instance, Promotes, primaries_of

LOOKS = 3
BETWEEN_LOOKS_S = 0.5
PROMOTED_WITHIN_S = 60.0

OUTLINE = (
    StepOutline("diagnose", "asks the tool three times whether a primary is well, and chooses the standby", acts=False),
    StepOutline("promote", "has the tool promote that standby, unless it has done so itself meanwhile"),
    StepOutline("verify", "there is one primary, and clients read and write", acts=False),
)


def steps(context: Context, database: Promotes) -> Iterator[Step]:
    """The steps of `promote-standby` where such a tool looks after the database."""
    work = _Failover(context, database)
    yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
    yield Step(
        "promote",
        work.must_promote,
        work.promote,
        work.is_promoted,
        within_s=PROMOTED_WITHIN_S,
        waits_for=work.unpromoted,
        would=work.would_promote,
    )
    yield Step(
        "verify", work.has_acted, work.conclude, lambda: not work.unwhole(), within_s=30, acts=False,
        waits_for=work.unwhole,
    )  # fmt: skip


class _Failover:
    """The procedure's work. `_target` is the standby that is to be primary, once diagnosed."""

    def __init__(self, context: Context, database: Promotes) -> None:
        self._context, self._database = context, database
        self._target: str | None = None
        self._acted = context.progress.resumed

    def is_ill(self) -> bool:
        """Whether there is anything but one primary that is well."""
        return len(primaries_of(self._database.instances())) != 1

    def diagnose(self) -> str:
        """Tell whether the primary is lost, and choose what is to take its place.

        Raises:
            RefusedError: a primary is well, or came back; there are several; or no standby is well.
        """
        instances = self._database.instances()
        for _ in range(LOOKS - 1):
            SYSTEM_CLOCK.sleep(BETWEEN_LOOKS_S)
            instances = self._database.instances()
            if len(primaries := primaries_of(instances)) == 1:
                return f"{primaries[0]} is primary and well by now, nothing is to be promoted"
        if len(primaries := primaries_of(instances)) > 1:
            raise RefusedError(f"{' and '.join(primaries)} are primaries at once: promoting another mends nothing")
        standbys = [one for one in instances if one.well and not one.primary]
        if not standbys:
            raise RefusedError(f"no standby is well, so nothing can take the primary's place ({_told(instances)})")
        asked = self._context.progress.get("target")  # the tool was asked for it already, and is not asked for another
        first = min(standbys, key=lambda one: (one.name != asked, one.behind, one.name))
        self._target = first.name
        why = "was chosen before it was cut" if first.name == asked else "is the least behind"
        return f"no primary is well (asked {LOOKS} times: {_told(instances)}); {self._target} {why}"

    def must_promote(self) -> bool:
        return self._target is not None and self.is_ill()

    def promote(self) -> str:
        """Have the standby promoted.

        Raises:
            RefusedError: it was refused.
        """
        assert self._target is not None, "diagnosed before"
        self._context.progress.keep(target=self._target)
        said = self._database.promote(self._target)
        self._acted = True
        for changed in self._database.changes:
            self._context.changed(changed, "patch")
        return said

    def would_promote(self) -> str:
        """What `promote` would do."""
        what = f" ({', '.join(self._database.changes)})" if self._database.changes else ""
        return f"{self._target} promoted by the database's own tool{what}"

    def is_promoted(self) -> bool:
        """Whether there is one primary that is well; which one, its own tool decides in the end."""
        return not self.unpromoted()

    def unpromoted(self) -> str:
        """What is missing until then."""
        try:
            instances = self._database.instances()
        except (ClusterError, RefusedError) as error:
            return str(error)
        primaries = primaries_of(instances)
        return "" if len(primaries) == 1 else f"{len(primaries)} primaries are well: {_told(instances)}"

    def has_acted(self) -> bool:
        return self._acted

    def conclude(self) -> str:
        return f"{', '.join(primaries_of(self._database.instances()))} is the only primary, and clients are answered"

    def unwhole(self) -> str:
        """What is not as it must be at the end."""
        service = Service(self._context)
        return self.unpromoted() or service.unread() or service.unwritten()


def _told(instances: list[Instance]) -> str:
    return ", ".join(f"{one.name} {'primary' if one.primary else 'standby'} {one.state}".strip() for one in instances)
