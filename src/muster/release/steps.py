"""The steps of a release, phase by phase: each looks first whether there is anything to do, so that it may be taken
again by whoever goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from muster.base.errors import MusterError, RefusedError
from muster.kube import ApiError
from muster.release.asking import told_version, wrong_answers
from muster.release.backing_up import BackingUp
from muster.release.database import Migration
from muster.release.record import Way
from muster.release.traffic import ReplicaShares, choose
from muster.release.work import Releasing, is_near
from muster.safety import AuditLog
from muster.steps import Step
from muster.system.release import ReleasePhase

GONE = "the new version's pods to be gone"


@dataclass(frozen=True)
class Steps:
    """The steps of one release; `url` is where clients reach the system."""

    work: Releasing
    url: str
    audit: AuditLog

    def before(self) -> Iterator[Step]:
        """What comes before the new version gets traffic."""
        work = self.work
        within_s = work.system.ready_within_s
        first = work.system.release.phases[0].share
        yield from BackingUp(work, self.audit).steps()
        if (migration := work.contents.migration) is not None:
            yield from Migration(work, migration).steps()
        if work.serving is not None:
            yield Step(
                "pre: choose how traffic is shared",
                lambda: not work.book.release.way.name,
                self._choose,
                lambda: True,
            )
        yield Step("pre: make what it needs", lambda: True, work.make_first, lambda: True)
        if work.serving is not None:
            yield Step("pre: lead traffic", lambda: True, self._lead, lambda: True)
        yield Step(
            "pre: start the new version",
            lambda: work.is_short(first),
            lambda: work.start(first),
            lambda: not work.unready(),
            within_s=within_s,
            waits_for=work.unready,
        )
        yield Step("pre: ask the new version", lambda: work.serving is not None, self._ask, lambda: True, acts=False)

    def rising(self, phase: ReleasePhase) -> Iterator[Step]:
        """What gives the new version its share of a phase."""
        work = self.work
        yield Step(
            f"{phase.name}: add pods",
            lambda: work.is_short(phase.share),
            lambda: work.start(phase.share),
            lambda: not work.unready(),
            within_s=work.system.ready_within_s,
            waits_for=work.unready,
        )
        if work.serving is None:
            return
        yield Step(
            f"{phase.name}: shift traffic",
            lambda: not self._has(phase.share),
            lambda: work.shift(phase.share),
            lambda: True,
        )
        # Where its pods get traffic as soon as they are there, they could not be asked before.
        yield Step(
            f"{phase.name}: ask the new version",
            lambda: not work.book.release.canary,
            self._ask,
            lambda: True,
            acts=False,
        )

    def promotion(self) -> Iterator[Step]:
        """What makes the new version the only one, while it carries all."""
        work = self.work
        yield Step("promote: change what both share", lambda: True, self._apply, lambda: True)
        for one in work.deployments():
            name = str(one.live["metadata"]["name"])
            yield Step(
                f"promote: roll {name}",
                lambda name=name: not work.is_rolled(name),  # type: ignore[misc]
                lambda name=name: work.roll(name),  # type: ignore[misc]
                lambda name=name: work.is_rolled(name),  # type: ignore[misc]
                within_s=max(work.system.ready_within_s, 60.0),
                waits_for=lambda name=name: work.not_rolled(name),  # type: ignore[misc]
            )
        if work.serving is not None:
            yield Step(
                "promote: lead traffic back",
                lambda: work.book.release.way.name != "" and not self._has(0.0),
                lambda: work.shift(0.0),
                lambda: True,
            )
            yield Step("promote: remove what shared it", lambda: work.way is not None, self._remove, lambda: True)
        yield Step("promote: remove the second copy", lambda: True, lambda: work.clear(brought=False), lambda: True)

    def _choose(self) -> str:
        way = choose(self.work.system.release.traffic.way, self.work.shared({}))
        self.work.take_way(way)
        return f"by {way.name}"

    def _lead(self) -> str:
        """Make what shares traffic; where a cluster has routes and nothing heeds them, share by pods instead."""
        way = self.work.way
        assert way is not None
        try:
            return way.make()
        except RefusedError as error:
            if self.work.system.release.traffic.way != "auto":
                raise
            self.work.take_way(ReplicaShares(self.work.shared({})))
            return f"by the number of pods, as {error}"

    def _ask(self) -> str:
        """Ask the new version's pods before clients do.

        Raises:
            MusterError: one answers wrongly.
        """
        if wrong := next(wrong_answers(self.work), ""):
            raise MusterError(wrong)
        book = self.work.book
        if not book.release.canary and (told := told_version(self.work)):
            book.put(canary=told)
        verify = self.work.system.release.verify
        called = f"its pods say that they are {book.release.canary}" if book.release.canary else "its pods run"
        return f"{called}, and answer {', '.join(verify)} rightly" if verify else called

    def _has(self, share: float) -> bool:
        way = self.work.way
        if way is None:
            return False
        possible = way.possible(share)
        told = self.work.book.release.share
        return is_near(told.wanted, share) and is_near(way.read().share, possible) and not way.lag()

    def _apply(self) -> str:
        self.work.book.put(past_return=True, state="promoting")
        return self.work.apply()

    def _remove(self) -> str:
        way = self.work.way
        assert way is not None
        try:
            said = way.remove()
        except ApiError as error:
            if error.code != 404:
                raise
            said = "what shared traffic was gone"
        self.work.book.put(way=Way())
        return said
