"""What a session's guardian does: hear the session, look at what may stop it, and take back its faults when it must."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from muster.base.clock import SYSTEM_CLOCK, now, utc
from muster.base.errors import ClusterError, MusterError
from muster.base.process import INJECTION_VARIABLE, run_id
from muster.base.timeline import Timeline
from muster.guardian import talk
from muster.guardian.conditions import Conditions
from muster.guardian.guardian import GUARDED_VARIABLE
from muster.guardian.levers import find_levers
from muster.guardian.patience import Patience, is_gone
from muster.guardian.taking_back import TakingBack
from muster.guardian.talk import Ear, Message, Mouth
from muster.kube import Cluster
from muster.safety import AuditLog, Record
from muster.safety.guards import undo_command
from muster.safety.hooks import UNKNOWN, VERDICT_VARIABLE, Hooks
from muster.safety.locks import PROCEDURE_NAME, release, release_of_run, renew

TICK_S = 0.1
LEVERS_EVERY_S = 1.0
TELL_EVERY_S = 0.25
BEAT_WITHIN_S = 4.0  # eight heartbeats
TRY_EVERY_S = 0.5
SILENT_FOR_S = 600.0  # a session that hangs for so long, and of which nothing is left to undo, is not waited for
ENDED = "the guardian was told to end (SIGTERM)"
OF_TERMINALS = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Reason(NamedTuple):
    """Why a drill must not go on: by which rule, and in a sentence."""

    rule: str  # gone, heartbeat, deadline, lever, ended, service, alert, query
    why: str


@dataclass
class Guarded:
    """The drill that is watched over."""

    drill: str
    namespace: str
    holder: str
    timeline: Path
    conditions: Conditions
    striking: bool = False
    blind: dict[str, tuple[str, str]] = field(default_factory=dict)  # what was told not to be seen
    after: Hooks | None = None  # what the session would run at the drill's end
    deadlines: dict[str, datetime] = field(default_factory=dict)  # by injection
    tripped: bool = False


class Watch:
    """The guardian's loop, over the standard streams of its process."""

    def __init__(self, cluster: Cluster, home: Path, token: str, session: int) -> None:
        """`session` is the process id of who is guarded, this process's parent for as long as it lives."""
        self._cluster, self._home, self._token, self._session = cluster, home, token, session
        self._ended: float | None = None  # since when this process is told to end
        self._ear, self._mouth = Ear(), Mouth(sys.stdout.fileno())
        self._guarded: Guarded | None = None
        self._alive, self._closing = True, False
        self._heard_at = self._looked_at = self._told_at = now()

    def keep(self) -> None:
        """Watch until the session is closed, or is gone and everything of it is taken back, or SIGTERM: then what is in
        force is taken back first."""
        for number in OF_TERMINALS:  # whoever wants the end of a session does not want its faults to stay
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._end_soon)
        self._mouth.say(talk.READY)
        before = now()
        while self._alive and not self._closing and self._ended is None:
            self._hear(TICK_S)
            if now() - before > BEAT_WITHIN_S / 2:
                self._heard_at = now()  # we did not run ourselves: the machine was asleep, or has no time for anybody
            before = now()
            if self._guarded is not None:
                self._tell_blind(self._guarded)
            if self._guarded is not None and (why := self._reason(self._guarded)):
                self._trip(self._guarded, why)
            if self._guarded is None and now() - self._heard_at > SILENT_FOR_S:
                _note(
                    f"the session gave no sign for {SILENT_FOR_S:g} s, and no drill of it is open: it is not waited for"
                )
                return
        if self._ended is not None:
            _note(ENDED)
            self._hear(0.0)  # what was said before that is heeded
        if self._guarded is not None:
            gone = not self._alive or self._closing
            self._trip(
                self._guarded,
                Reason("gone", "the session is gone: its process has ended") if gone else Reason("ended", ENDED),
            )

    def _end_soon(self, *_: object) -> None:
        self._ended = self._ended or now()

    def _reason(self, guarded: Guarded) -> Reason | None:
        """Why the drill must not go on, if it must not."""
        if not self._alive:
            return None
        if now() - self._heard_at > BEAT_WITHIN_S:
            return Reason("heartbeat", f"the session hangs: it gave no sign for {BEAT_WITHIN_S:g} s")
        if any(utc() > deadline for deadline in guarded.deadlines.values()):
            return Reason("deadline", "the fault has lasted as long as it may")
        if guarded.striking and (broken := guarded.conditions.broken()) is not None:
            return Reason(*broken)
        if now() - self._looked_at >= LEVERS_EVERY_S:
            self._looked_at = now()
            # A cluster that does not answer forbids nothing; that it does not is for the drill to tell.
            with contextlib.suppress(ClusterError):
                for lever in find_levers(self._cluster, guarded.namespace, self._home):
                    return Reason("lever", str(lever))
        return None

    def _trip(self, guarded: Guarded, reason: Reason) -> None:
        """Take back the drill's faults, and tell who is there to hear it."""
        began = now()
        self._guarded, guarded.tripped = None, True
        guarded.conditions.stop()
        self._tell(guarded, talk.TRIPPED, rule=reason.rule, why=reason.why)
        self._end(f"{INJECTION_VARIABLE}={injection}" for injection in guarded.deadlines)
        taking = self._take_back(guarded, began)
        if not self._alive or reason.rule == "heartbeat":
            self._end([f"{GUARDED_VARIABLE}={self._token}"])
            self._run_hooks(guarded)
            with contextlib.suppress(ClusterError):
                release(self._cluster, guarded.namespace, guarded.holder)
                release_of_run(self._cluster, guarded.namespace, run_id(), PROCEDURE_NAME)
        if taking.trouble:
            _note(taking.trouble)

    def _run_hooks(self, guarded: Guarded) -> None:
        """Run what the session cannot run any more."""
        if guarded.after is None:
            return
        with contextlib.suppress(MusterError), Timeline(guarded.timeline) as timeline:
            guarded.after.run(timeline, **{VERDICT_VARIABLE: UNKNOWN})

    def _take_back(self, guarded: Guarded, began: float) -> TakingBack:
        def ours(record: Record) -> bool:
            return record.injection in guarded.deadlines

        audit = AuditLog.of_run(guarded.timeline.parent)
        taking = TakingBack(self._cluster, guarded.namespace, ours, audit)
        patience, told, said = Patience(self._cluster, lambda: self._ended), False, ""
        while not taking.attempt():
            self._renew(guarded)
            if taking.undone_at is not None and not told:
                told = True
                self._tell_undone(guarded, taking, began)
            if taking.trouble != said:
                said = taking.trouble
                self._mouth.say(talk.FAILED, why=said)
                if said:
                    _note(f"not taken back yet: {said}")  # the session may be gone
            if why := patience.is_over() if guarded.deadlines else "nothing was about to strike":
                self._give_up(guarded, taking, why)
                return taking
            self._hear(0.0)
            SYSTEM_CLOCK.sleep(TRY_EVERY_S)
        if not told:
            self._tell_undone(guarded, taking, began)
        return taking

    def _give_up(self, guarded: Guarded, taking: TakingBack, why: str) -> None:
        """Tell what is left as it is, and what would undo it: nobody else will."""
        left = taking.open(guarded.deadlines)
        if not left:
            return
        where = f"namespace '{guarded.namespace}' of context '{self._cluster.context}'"
        if self._cluster.embedded and is_gone(self._cluster):
            _note(f"{', '.join(left)} in {where} went with the cluster, which was the session's own")
        else:
            command = undo_command(self._cluster, guarded.namespace)
            _note(
                f"{', '.join(left)} in {where} may be in force still, and is undone no more: {why}; undo it: {command}"
            )
            taking.log("failed", left=left, why=f"{why}: {taking.trouble}")
        if guarded.tripped:  # else the drill was over: its timeline may be closed, and what is added would be a change
            self._write(guarded, "gave_up", why=why, left=left)

    def _tell_undone(self, guarded: Guarded, taking: TakingBack, began: float) -> None:
        assert taking.undone_at is not None
        if not (guarded.tripped or taking.undone or taking.left):
            return  # the drill was over, and had left nothing
        took = round(taking.undone_at - began, 3)
        self._tell(guarded, talk.UNDONE, undone=taking.undone, left=taking.left, took_s=took)

    def _renew(self, guarded: Guarded) -> None:
        """Keep others out of the namespace for as long as it is not as it was, where the session has gone."""
        if not self._alive:
            with contextlib.suppress(ClusterError):
                renew(self._cluster, guarded.namespace, guarded.holder)

    def _hear(self, seconds: float) -> None:
        """Take in what the session says; the end of its stream says that it is gone."""
        while self._alive and select.select([0], [], [], seconds)[0]:
            data = os.read(0, 65536)
            if not data:
                self._alive = False
                return
            self._heard_at, seconds = now(), 0.0
            for message in self._ear.hear(data):
                self._heed(message)
        if os.getppid() != self._session:  # what it forked off may hold the stream open
            self._alive = False

    def _heed(self, message: Message) -> None:
        match message["what"]:
            case talk.WATCH:
                timeline, conditions = Path(message["timeline"]), Conditions.of_message(message)
                after = message["after"] and Hooks.from_json(message["after"])
                self._guarded = Guarded(
                    message["drill"],
                    namespace=message["namespace"],
                    holder=message["holder"],
                    timeline=timeline,
                    conditions=conditions,
                    after=after,
                )
                self._looked_at = now()
                conditions.start()
            case talk.ARM if self._guarded is not None:
                self._guarded.deadlines[message["injection"]] = datetime.fromisoformat(message["deadline"])
            case talk.ASK:
                conditions = self._guarded.conditions if self._guarded is not None else Conditions([], None, None)
                self._mouth.say(talk.WELL, unwell=conditions.unwell(), said=conditions.said())
            case talk.STRIKE if self._guarded is not None:
                self._guarded.striking = True
                if said := self._guarded.conditions.said():
                    self._write(self._guarded, "watching", seen=said)
            case talk.REST:
                guarded, self._guarded = self._guarded, None
                if guarded is not None:
                    guarded.conditions.stop()
                if guarded is not None and guarded.deadlines:
                    self._take_back(guarded, now())
                self._mouth.say(talk.RESTED)
            case talk.CLOSE:
                self._closing = True

    def _tell_blind(self, guarded: Guarded) -> None:
        """Write down which stop conditions cannot be looked at."""
        if now() - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now()
        blind = guarded.conditions.blind()
        for what, (rule, why) in blind.items():
            if what not in guarded.blind:
                self._write(guarded, "blind", rule=rule, what=what, why=why)
        for what in guarded.blind.keys() - blind.keys():
            self._write(guarded, "sees", rule=guarded.blind[what][0], what=what)
        guarded.blind = blind

    def _tell(self, guarded: Guarded, state: str, **fields: Any) -> None:
        """Tell the session, and write it where it is found when there is no session any more."""
        self._mouth.say(state, **fields)
        self._write(guarded, state, **fields)

    def _write(self, guarded: Guarded, state: str, **fields: Any) -> None:
        with contextlib.suppress(MusterError), Timeline(guarded.timeline) as timeline:
            timeline.append("guard", state=state, **fields)

    def _end(self, markers: Iterable[str]) -> None:
        """Kill every process that has one of the markers in its environment: none of them strikes any more."""
        wanted = [marker.encode() for marker in markers]
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                environment = (entry / "environ").read_bytes().split(b"\0")
                if any(marker in environment for marker in wanted):
                    os.kill(int(entry.name), signal.SIGKILL)


def _note(text: str) -> None:
    """Say something where it is looked for when the session is gone: in the guardian's log."""
    print(text, file=sys.stderr, flush=True)
