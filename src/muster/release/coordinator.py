"""Looking after a release from its beginning to its end: phase after phase, step after step, by the engine of steps.

Each step is on record before it acts. Where one fails, or the new version does worse, the release is rolled back; where
that would break the old version, as the database is changed already, it is frozen instead and says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from muster.analysis import Decision, Look
from muster.analysis.rehearsing import scaled
from muster.base.clock import SYSTEM_CLOCK, Clock, utc_iso
from muster.base.errors import MusterError, RefusedError
from muster.release.baking import ENDING, AbortedError, Baking, FrozenError, WorseError, ended_by
from muster.release.measuring import Meter
from muster.release.record import PHASES, PhaseName, Release, ReleaseBook, State, StepAt, SupersededError
from muster.release.returning import Returned, Returning
from muster.release.steps import Steps
from muster.release.telling import RollbackEvents
from muster.release.work import Releasing
from muster.safety import AuditLog
from muster.safety.locks import ProcedureLock
from muster.steps import Running, Step, StepObserver, StepOutcome, Turn
from muster.system.release_analysis import ReleaseAnalysis

PATIENCE_S = 60.0  # for so long at least a recovery is waited for
LOOK_EVERY_S = 1.0
BEFORE_A_BAKE: dict[PhaseName, State] = {"pre": "preparing", "promote": "promoting"}


class Watcher(StepObserver, Protocol):
    """Who is told how a release goes."""

    def phase(self, release: Release, /) -> None:
        """A phase begins."""

    def decided(self, decision: Decision, look: Look, /) -> None:
        """A look was taken, and this was decided after it."""

    def over(self, release: Release, returned: Returned | None, /) -> None:
        """It has ended, is frozen, or is left where it was to stop."""


@dataclass
class Noted:
    """Steps of a release, noted in its record; `taken` is why it is not ours any more."""

    book: ReleaseBook
    taken: str = ""

    def acts(self, step: str) -> None:
        """Note that a step is about to act.

        Raises:
            SupersededError: another one looks after the release.
            ClusterError: it cannot be noted; then the step must not act.
        """
        self._put(step, "acting", "")

    def acted(self, step: str, did: str) -> None:
        """Note that a step has acted."""
        self._put(step, "done", did)

    def failed(self, why: str, *, refused: bool) -> None:
        """Note that a step failed, unless the release is another's by now."""
        del refused
        if not self.taken:
            with contextlib.suppress(SupersededError):  # then that is why it failed
                self._put(self.book.release.step.name if self.book.release.step else "step", "failed", why)

    def _put(self, step: str, state: str, detail: str) -> None:
        at = StepAt(name=step, state=state, at=utc_iso(timespec="milliseconds"), detail=detail)
        try:
            if state == "acting":
                self.book.put(step=at)
            else:
                self.book.tell(f"{step}: {detail}", step=at)
        except SupersededError as error:
            self.taken = str(error)
            raise


@dataclass
class Written:
    """Steps of a release, written to the audit log."""

    record: Callable[..., None]
    target: str

    def step(self, step: Step, state: str, detail: str) -> None:
        """Write how a step is."""
        if state != "began" and step.acts:
            self.record(f"release: {step.name}", target=self.target, outcome=state, detail=detail)

    def waits(self, step: Step, what: str) -> None:
        """What a step waits for is not for the audit log."""


@dataclass
class Coordinator:
    """Looks after one release. `url` is where clients reach the system, `turn` lets this one look after it and no
    other, `audit` is the audit log, `recording` is a file to which each look is appended, `events`
    tells a drill's timeline of a rollback."""

    work: Releasing
    url: str
    turn: Turn
    watcher: Watcher
    audit: AuditLog
    settings: ReleaseAnalysis
    recording: Path | None = None
    events: RollbackEvents = field(default_factory=RollbackEvents)
    clock: Clock = SYSTEM_CLOCK
    _failed: MusterError | None = field(default=None, init=False)

    def run(self, until: PhaseName | None = None) -> Release:
        """Go on from the phase that it is in, up to its end, or to the end of the phase `until`.

        Returns the release as it is then: released, rolled back, frozen, failed, or where it was to stop.

        Raises:
            SupersededError: another one looks after the release by now.
            MusterError: the cluster cannot be told how it is; whoever comes next goes on.
        """
        book = self.work.book
        if book.release.state == "rolling back":
            return self._back(WorseError(book.release.why, book.release.cause))
        for phase in PHASES[PHASES.index(book.release.phase) :]:
            if phase == "end":
                break
            if book.release.phase != phase or phase == "pre":
                book.put(phase=phase, state=BEFORE_A_BAKE.get(phase, "shifting"), until=until or "")
            self.watcher.phase(book.release)
            if (failed := self._take(phase)) is not None:
                return self._ended_by(failed)
            if phase == until:
                book.tell(f"stops after {phase}, as it was told to", state="paused")
                self.watcher.over(book.release, None)
                return book.release
        self.work.end("released: the new version is everywhere", "released")
        self.watcher.over(book.release, None)
        return book.release

    def _take(self, phase: PhaseName) -> MusterError | None:
        """Take the steps of a phase; why they did not go well, None where they did."""
        noted = Noted(self.work.book)
        target = f"{self.work.cluster.context}/{self.work.namespace}"
        running = Running(Written(self.audit.record, target), noted, self.turn, self.clock, self.watcher)
        for step in self._steps(phase):
            if (asked := self._asked()) is not None:
                return asked
            outcome = self._alone(running, step)
            if outcome.state == "failed":
                return self._reason(noted, step, outcome)
        return None

    def _asked(self) -> MusterError | None:
        """Why no further step is to be taken, as somebody asked for; None where nobody did. What is asked of a bake is
        left to it."""
        asked = self.work.book.heard()
        if asked is None or asked.command not in ENDING:
            return None
        self.work.book.put(wanted=None)
        return ended_by(asked)

    def _alone(self, running: Running, step: Step) -> StepOutcome:
        """Take a step; one that acts while no recovery procedure does: what mends an emergency comes first."""
        if not step.acts:
            return running.take(step)
        patience = self.clock.now() + max(self.settings.hold_s / self.work.book.release.time_scale, PATIENCE_S)
        while True:
            lock = ProcedureLock(self.work.cluster.unobserved(), self.work.namespace, f"release {self.work.id}")
            try:
                with lock:
                    return running.take(step)
            except RefusedError as error:
                if self.clock.now() >= patience:
                    now = self.clock.now()
                    return StepOutcome(step.name, "failed", str(error), now, now)
                self.watcher.waits(step, str(error))
                self.clock.sleep(LOOK_EVERY_S)

    def _reason(self, noted: Noted, step: Step, outcome: StepOutcome) -> MusterError:
        if noted.taken or self.turn.lost:
            return SupersededError(noted.taken or f"refused: {self.turn.lost}")
        return self._failed or WorseError(f"step '{step.name}' failed: {outcome.detail}", "step")

    def _steps(self, phase: PhaseName) -> Iterator[Step]:
        steps = Steps(self.work, self.url, self.audit)
        if phase == "pre":
            yield from steps.before()
            return
        if phase == "promote":
            yield from steps.promotion()
            return
        planned = next(one for one in self.work.system.release.phases if one.name == phase)
        yield from steps.rising(planned)
        yield Step(f"{phase}: bake", lambda: True, lambda: self._bake(phase), lambda: True, acts=False)

    def _bake(self, phase: PhaseName) -> str:
        planned = next(one for one in self.work.system.release.phases if one.name == phase)
        meter = Meter(self.work.cluster, self.work.system, self.work.book.release, self.url)
        settings = scaled(self.settings, self.work.book.release.time_scale)
        baking = Baking(self.work, meter, planned, settings, self.watcher.decided, self.recording)
        try:
            return baking.run()
        except (WorseError, FrozenError, SupersededError) as error:
            self._failed = error
            raise

    def _ended_by(self, failed: MusterError) -> Release:
        if isinstance(failed, SupersededError):
            raise failed
        release = self.work.book.release
        changed = release.changed_for_good
        past = release.past_return and not isinstance(failed, AbortedError)
        if isinstance(failed, FrozenError) or changed or past:
            return self._freeze(failed, changed=changed)
        return self._back(failed)

    def _freeze(self, failed: MusterError, *, changed: bool) -> Release:
        """Leave all as it is, and say what can be done."""
        why = str(failed)
        if changed:
            why += (
                "; it is not rolled back by itself, as its change of the database is not backward compatible: the old "
                "version may not work with it. Go on with 'muster deploy --continue', or force the way back with "
                "'muster rollback -f'"
            )
        elif self.work.book.release.past_return:
            why += (
                "; the old version is being replaced already, and the new one carries all: go on with 'muster deploy "
                "--continue', or go back with 'muster rollback'"
            )
        release = self.work.book.tell(f"frozen: {why}", state="frozen", why=why)
        self.watcher.over(release, None)
        return release

    def _back(self, failed: MusterError) -> Release:
        cause = failed.cause if isinstance(failed, WorseError) else "step"
        returning = Returning(self.work, self.url, cause=cause, events=self.events, clock=self.clock)
        returned = None
        try:
            returned = returning.take_back(str(failed))
        except SupersededError:
            raise
        except MusterError as error:
            why = f"{failed}; and it could not be rolled back to its end: {error}; run 'muster rollback' again"
            self.work.book.tell(why, why=why)
        self.watcher.over(self.work.book.release, returned)
        return self.work.book.release
