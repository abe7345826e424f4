"""A bake: the new version has its share of traffic, and is looked at again and again until it has done well for long
enough, has not, or somebody decides.

What is known is kept in the release's record with each look, so that whoever goes on with the release goes on with the
bake. Nobody being able to tell is never taken for well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from muster.analysis import Action, Decision, Latency, Look, Plan, Side, State, TriggerVerdict, Value, decide
from muster.analysis import Counted as CountedRequests
from muster.analysis import Phase as PlannedPhase
from muster.analysis.recording import append_look
from muster.analysis.rehearsing import LEAST_EVERY_S
from muster.base.clock import utc_iso
from muster.base.errors import ClusterError, MusterError, UsageError
from muster.base.texts import one_line
from muster.release.adding import Adding, Total
from muster.release.asking import wrong_answers
from muster.release.drifting import Drift, drift
from muster.release.measuring import Meter, Reading
from muster.release.record import Asked, Bake, Trigger
from muster.release.work import Releasing
from muster.release.writing import Writing
from muster.system.release import ReleasePhase
from muster.system.release_analysis import TRIGGERS, ReleaseAnalysis

WRONG_LOOKS = 3  # so often running a pod must answer wrongly: once may be the pod's own start or end
PATIENCE_S = 30.0  # for so long at least a cluster may be silent
ENDING = ("abort", "freeze")  # after these a release does not go on
PUT_BACK = 3  # so often what somebody puts back is written again


class WorseError(MusterError):
    """The new version is not to have traffic any more: the sentence says why, `cause` by what it was decided (see
    `Release`)."""

    def __init__(self, why: str, cause: str = "check") -> None:
        super().__init__(why)
        self.cause = cause


class AbortedError(WorseError):
    """Somebody wants the release to be taken back."""


class FrozenError(MusterError):
    """Somebody wants nothing to be done by itself any more."""


@dataclass
class Baking:
    """One bake of a release. `told` is called with each look and what was decided after it, `recording` is a file that
    each look is appended to."""

    work: Releasing
    meter: Meter
    phase: ReleasePhase
    settings: ReleaseAnalysis
    told: Callable[[Decision, Look], None]
    recording: Path | None = None
    _wrong: int = field(default=0, init=False)
    _put_back: int = field(default=0, init=False)
    _writing: Writing = field(init=False)
    _adding: Adding = field(default_factory=Adding, init=False)
    _state: State = field(default_factory=State, init=False)
    _last: float | None = field(default=None, init=False)  # when it was looked last, by the clock

    def run(self) -> str:
        """Look until the bake is over; says in one line what it showed.

        Raises:
            WorseError: the new version is worse, or nothing can be told of it for too long.
            FrozenError: somebody wants the release to stay as it is.
            SupersededError: another one looks after the release.
            ClusterError: the record cannot be read or written for too long.
        """
        clock = self.work.clock
        self._begin()
        answered = clock.now()
        while True:
            began = clock.now()
            try:
                said = self._once()
                answered = clock.now()
            except ClusterError as error:
                # Nobody can act on a cluster that does not answer, nor say that the new version does well.
                if clock.now() - answered > max(self.settings.hold_s / self._scale, PATIENCE_S):
                    raise WorseError(f"the cluster cannot be asked for too long: {error}", "blind") from error
                said = None
            if said is not None:
                return said
            clock.sleep(max(self._every_s - (clock.now() - began), 0.0))

    def _once(self) -> str | None:
        """Take one look; what ended the bake well, None where it goes on."""
        if (said := self._heard()) is not None:
            return said
        book = self.work.book
        reading, look = self._look()
        moved = drift(self.work)
        decision, self._state = decide(look, self._state, self._plan(), self.settings)
        paused = book.release.state == "paused"
        book.put(
            bake=self._kept(look, decision),
            state=_state(decision, moved, paused=paused),
            why=moved.why if moved else decision.why,
        )
        self.told(decision, look)
        self._act_on(reading, moved)
        if lost := self._writing.once():
            raise WorseError(lost)
        if decision.action is Action.ROLL_BACK:
            raise WorseError(decision.why, _cause(decision))
        return decision.why if decision.action is Action.PROMOTE and not moved and not paused else None

    @property
    def _scale(self) -> float:
        return self.work.book.release.time_scale

    @property
    def _every_s(self) -> float:
        return max(self.settings.every_s / self._scale, LEAST_EVERY_S)

    def _plan(self) -> Plan:
        return Plan((PlannedPhase(self.phase.name, self.phase.share, self.phase.bake_s),))

    def _begin(self) -> None:
        """Go on with the bake that is on record, and with what it has counted, else begin one."""
        self._writing = Writing(self.work, self.meter.url)
        known = self.work.book.release.bake
        self._adding = Adding(known.counters if known is not None else None)
        self._state = State.from_json(known.analysis) if known is not None and known.analysis else State()
        if known is None or known.phase != self.phase.name:
            self._adding.begin()
            began, bake_s = utc_iso(timespec="milliseconds"), self.phase.bake_s
            bake = Bake(phase=self.phase.name, began=began, limit_s=bake_s, left_s=bake_s)
            self.work.book.put(bake=bake, state="baking", why="")

    @property
    def _bake(self) -> Bake:
        bake = self.work.book.release.bake
        assert bake is not None
        return bake

    def _heard(self) -> str | None:
        """Do what is asked of the release; what ends the bake well, None where it goes on.

        Raises:
            WorseError, FrozenError: it is asked for.
        """
        asked = self.work.book.heard()
        if asked is None:
            return None
        said = _said(asked)
        if asked.command == "pause":
            self.work.book.tell(f"paused: {said}", wanted=None, state="paused")
        elif asked.command == "continue":
            self.work.book.tell(f"goes on: {said}", wanted=None, state="baking")
        elif asked.command == "promote":
            self.work.book.tell(f"bake cut short: {said}", wanted=None, state="baking")
            return f"cut short: {said}"
        else:
            self.work.book.put(wanted=None)
            raise ended_by(asked)
        return None

    def _look(self) -> tuple[Reading | None, Look]:
        release, clock = self.work.book.release, self.work.clock
        now = clock.now()
        # Time counts while somebody looks: what passed between two who looked after the release does not.
        at_s = self._bake.at_s + (0.0 if self._last is None else (now - self._last) * self._scale)
        self._last = now
        try:
            reading = self.meter.look(self._bake.began)
        except ClusterError as error:
            why = one_line(str(error))[:200]
            blind = Side(missing=dict.fromkeys(("requests", "latency", *TRIGGERS), why))
            return None, self._written(at_s, blind, blind)
        self._adding.add(reading.seen, new_since=reading.young)
        sides = {
            side: _side(self._adding.totals[side], reading, side, pods=sum(s == side for s, _ in reading.seen.values()))
            for side in ("stable", "canary")
        }
        stable = sides["stable"] if release.share.possible < 1 else Side()
        return reading, self._written(at_s, stable, sides["canary"])

    @property
    def _share(self) -> float:
        """The share that the new version has: what was made of the one that was wanted."""
        return self.work.book.release.share.possible or self.phase.share

    def _written(self, at_s: float, stable: Side, canary: Side) -> Look:
        """The look, appended to the recording where there is one."""
        look = Look(
            at_s=at_s,
            phase=self.phase.name,
            share=self._share,
            stable=stable,
            canary=canary,
            utc=utc_iso(),
            triggers=self.settings.names(),
            time_scale=self._scale,
        )
        if self.recording is not None:
            with contextlib.suppress(UsageError):  # a disk that is full is no reason to take a release back
                append_look(self.recording, look)
        return look

    def _act_on(self, reading: Reading | None, moved: Drift | None) -> None:
        """What needs no statistics.

        Raises:
            WorseError: a pod of the new version has crashed, answers wrongly, or somebody puts back what is shared.
        """
        if reading is not None and reading.wrong:
            raise WorseError(f"the new version does not run: {reading.wrong[0]}")
        wrong = next(wrong_answers(self.work), "")
        self._wrong = self._wrong + 1 if wrong else 0
        if self._wrong >= WRONG_LOOKS:
            raise WorseError(wrong)
        if moved is None:
            return
        self._put_back += 1
        self.work.book.tell(f"held: {moved.why}")
        if self._put_back > PUT_BACK or not moved.mends:
            raise WorseError(moved.why, "outside")
        self.work.shift(self.phase.share)

    def _kept(self, look: Look, decision: Decision) -> Bake:
        return self._bake.model_copy(
            update={
                "baked_s": decision.baked_s,
                "left_s": decision.left_s,
                "held_s": decision.held_s,
                "looks": self._bake.looks + 1,
                "decision": str(decision.action),
                "why": decision.why,
                "triggers": tuple(
                    Trigger(name=one.trigger, verdict=str(one.verdict), why=one.reason) for one in decision.judgements
                ),
                "at_s": look.at_s,
                "seen": utc_iso(timespec="milliseconds"),
                "analysis": self._state.to_json(),
                "counters": self._adding.state,
                "readings": {
                    "stable": look.stable.model_dump(mode="json", exclude_none=True, exclude={"latency"}),
                    "canary": look.canary.model_dump(mode="json", exclude_none=True, exclude={"latency"}),
                },
            }
        )


def ended_by(asked: Asked) -> MusterError:
    """Why a release does not go on, where somebody asked for one of `ENDING`."""
    return FrozenError(_said(asked)) if asked.command == "freeze" else AbortedError(_said(asked), "person")


def _said(asked: Asked) -> str:
    return f"{asked.by} said {asked.command}{f': {asked.why}' if asked.why else ''}"


def _cause(decision: Decision) -> str:
    worse = any(one.verdict is TriggerVerdict.WORSE for one in decision.judgements)
    return "trigger" if worse else "blind"


def _state(decision: Decision, moved: Drift | None, *, paused: bool) -> str:
    if paused:
        return "paused"
    return "holding" if decision.action is Action.HOLD or moved is not None else "baking"


def _side(total: Total, reading: Reading, side: str, *, pods: int) -> Side:
    missing = dict(reading.missing[side])
    blind = "requests" in missing
    latency = None
    if total.buckets and total.timed is not None and not blind:
        bounds = sorted(total.buckets, key=float)
        latency = Latency(
            count=total.timed,
            bounds_s=tuple(float(bound) for bound in bounds),
            at_most=tuple(total.buckets[bound] for bound in bounds),
        )
    if blind:
        missing.setdefault("latency", missing["requests"])
        missing.setdefault("workflow_errors", missing["requests"])
    elif not pods:
        missing.setdefault("requests", "no pod of it is ready")
    agents = reading.failed_agents if side == "canary" else None
    return Side(
        requests=None if blind or not pods else total.requests,
        failed=None if blind or not pods else total.failed,
        latency=latency,
        kinds={} if blind else {kind: CountedRequests(requests=a, failed=b) for kind, (a, b) in total.kinds.items()},
        failed_agents=None if agents is None else Value(value=agents),
        workflow_errors=None if blind or total.errors is None else Value(value=total.errors),
        cpu=_value(reading.cpu, side),
        memory=_value(reading.memory, side),
        missing=missing,
    )


def _value(shares: object, side: str) -> Value | None:
    assert isinstance(shares, dict)
    return Value(value=shares[side]) if side in shares else None
