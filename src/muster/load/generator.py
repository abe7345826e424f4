"""The one schedule of a load generator's process: it gives each turn to a kind of user, whatever became of the others.

Locust spawns the `Generator` in place of the users that a file declares; their tasks are started from here.
"""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Protocol

import gevent
from gevent import Greenlet
from gevent.event import Event
from gevent.pool import Group
from locust import User
from locust.env import Environment
from locust.exception import StopTest, StopUser

from muster.base.clock import now
from muster.base.dial import Dial
from muster.base.errors import MusterError, UsageError
from muster.base.event_buffer import FLUSH_EVERY_S
from muster.base.timeline import TimelineError
from muster.load.allowance import SUFFIX, Allowance, ceiling_of
from muster.load.destination import Destination
from muster.load.gate import Gate, NotSentError
from muster.load.only_way import OnlyWay
from muster.load.record import LoadRecord
from muster.load.schedule import even, poisson
from muster.load.stages import Stage, checked, from_text
from muster.load.steering import Steering
from muster.probes.http.outcomes import OwnLimitError

LATE_S = 0.25  # beyond this the times of requests tell of the generator as well, and it says that it is behind
GIVE_UP_S = 1.0  # what is later than this is not sent any more, and all that is due with it
LAST_ANSWERS_S = 0.3  # how long requests under way at the end may still be answered
STOP_TOOK_S = 0.1  # turns that came due within this before the end are nobody's lateness
MOST_UNDER_WAY = 4000
ALWAYS_ROOM = 50  # requests that each kind may have under way, however few it sends
LOOK_EVERY_S = 0.05
FRUITLESS = 20  # so many tasks without a request, and none before them that sent one, and there will be none
ENDED = "its file, or an option like --run-time, ended the run, and a drill's load runs until the drill ends it"

Task = Callable[[Any], None]


class OpenLoop(Protocol):
    """What the schedule needs of a user (`muster.load.openloop.OpenLoopUser`)."""

    tasks: list[Task]
    weight: float
    rate: float
    limit_s: float
    random: Random

    def join(self, record: LoadRecord, gate: Gate, source: Random, to: Destination) -> None: ...
    def check_host(self) -> None: ...
    def on_start(self) -> None: ...
    def on_stop(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class _Kind:
    """One kind of user, which gets `share` of all turns."""

    user: OpenLoop
    tasks: list[Task]
    share: float
    under_way: int = 0

    def room(self, rate: float) -> int:
        """How many of its requests may be under way at so many turns a second of all kinds."""
        return int(rate * self.share * self.user.limit_s * 1.25) + ALWAYS_ROOM


class Generator(User):
    """Starts the tasks of all kinds of users at intended times. There is one, however many users Locust is told."""

    abstract = True
    fixed_count = 1
    kinds: ClassVar[tuple[type[Any], ...]] = ()

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        options = environment.parsed_options
        assert options is not None
        self._random = Random(options.seed)
        self._gap = poisson(self._random) if options.arrivals == "poisson" else even
        self._rate, self._stages = self.wanted(options)
        dial = Path(options.dial) if options.dial else None
        claim = dial.with_suffix(SUFFIX) if dial else None
        self._allowance = Allowance(claim, ceiling_of(options.ceiling))
        self._gate = Gate(self._allowance.limit())
        timeline = Path(options.timeline) if options.timeline else None
        profile = Path(options.locustfile).stem
        self._record = LoadRecord(timeline, load=dial.stem if dial else "load", profile=profile, rate=self._rate)
        self._dial = Dial(dial) if dial else None
        self._seed, self._named = options.seed, options.host
        self._kinds: list[_Kind] = []
        self._under_way = Group()
        self._fruitless = 0
        self._flowing, self._quitting, self._over, self._ended = False, False, False, ""
        environment.events.quitting.add_listener(self._on_quitting)  # type: ignore[no-untyped-call]
        self.tasks = [Generator._keep_schedule]  # the one task that Locust sees

    @classmethod
    def wanted(cls, options: Namespace) -> tuple[float, list[Stage]]:
        """The rate to begin with (requests/s), and the stages to go through.

        Raises:
            UsageError: they make no sense, or pass the ceiling.
        """
        stages, ceiling = from_text(options.stages), ceiling_of(options.ceiling)
        own = None if stages else max(kind.rate for kind in cls.kinds)
        return checked(options.rate or own, stages, ceiling), stages

    def on_start(self) -> None:
        """Have each kind of user begin, then tell that load begins.

        Raises:
            UsageError: nobody says where the load goes, or a kind would go elsewhere.
        """
        to = self._destination()
        self._only_way = OnlyWay(lambda address: self._record.elsewhere(address, wanted=str(to)))
        self._kinds = self._made(to)
        self._turns = list(accumulate(kind.share for kind in self._kinds))
        for kind in self._kinds:
            kind.user.on_start()
            kind.user.check_host()
        self._record.began = 0
        self._only_way.close()
        self._due = now()
        self._steering = Steering(self._rate, self._stages, start=self._due, allowance=self._allowance)
        self._record.tell("started", at=self._due)
        self._flowing = True
        self._tell_changes(self._due)
        gevent.spawn(self._keep_flushing)
        gevent.spawn(self._keep_looking)

    def on_stop(self) -> None:
        """End the load, where that was not done before, and have each kind of user end."""
        if not self._flowing:
            return
        self._finish()
        self._only_way.open()
        for kind in self._kinds:
            kind.user.on_stop()
            kind.user.close()
        if not self._quitting and self.environment.parsed_options.headless:
            # A task that asked for the end was ended with the others, and with it what it had begun.
            gevent.spawn(self.environment.runner.quit)

    def _finish(self) -> None:
        """Give what is under way a moment, and tell that load has ended."""
        if self._over:
            return
        self._over = True
        self._tell_unsent(now())
        self._under_way.join(timeout=LAST_ANSWERS_S)
        waiting = [now() - one.due for one in self._under_way]
        about: dict[str, Any] = {"abandoned": len(waiting), "waited_s": max(waiting, default=0.0)}
        if not self._quitting:
            about["broken"] = self._dial is not None  # by hand a load may end as its user likes
        reason = "it was told to stop" if self._quitting else self._ended or ENDED
        self._record.tell("stopped", reason=reason, asked=self._record.asked, **about)
        self._under_way.kill(block=False)
        self._record.flush()

    def _on_quitting(self, **_: Any) -> None:
        """Locust was told to end: who ends a run otherwise is the file, or an option."""
        self._quitting = True
        # Before Locust ends its users: for that it reads the source of every module (inspect.stack), which takes 40 ms,
        # and half a second on a busy machine. What is under way got no turn meanwhile, and looked as slow as that.
        if self._flowing:
            self._finish()

    def _destination(self) -> Destination:
        """Where the load goes: what the command line names is beyond the file."""
        named = self._named or self.host or next((kind.host for kind in self.kinds if kind.host), None)
        if not named:
            raise UsageError("nobody says where the load goes; right would be --host http://ADDRESS:PORT")
        return Destination.of(named)

    def _made(self, to: Destination) -> list[_Kind]:
        """A user of each kind, with what all of them share."""
        whole = sum(kind.weight for kind in self.kinds)
        made = []
        for kind in self.kinds:
            kind.host = self.host or kind.host
            user: OpenLoop = kind(self.environment)
            user.join(self._record, self._gate, Random(f"{self._seed} {kind.__name__}"), to)
            made.append(_Kind(user, user.tasks, user.weight / whole))
        return made

    def _keep_schedule(self) -> None:
        while not self._over:
            if missed := self._missed(now()):
                self._wait_turn(missed)
                continue
            self._start(self._due)
            self._wait_turn(self._gap())
        Event().wait()  # until Locust ends its users, of which this is one

    def _wait_turn(self, gap: float) -> None:
        """Wait for the turn that comes `gap` requests after the last one."""
        before = self._due
        while True:
            self._due = self._steering.pace.after(before, gap)
            if self._due - now() <= LOOK_EVERY_S:
                break
            gevent.sleep(LOOK_EVERY_S)  # in slices, since the pace may change while a slow load waits
        # Also when late: tasks must get their turn.
        gevent.sleep(max(self._due - now(), 0))

    def _missed(self, moment: float) -> int:
        """How many turns are given up, because the one that is due is too late; what is late is told."""
        late = moment - self._due
        if late <= LATE_S:
            return 0
        missed = 0 if late <= GIVE_UP_S else 1 + int(self._steering.pace.wanted(self._due, moment))
        self._record.behind("its schedule is late", since=self._due, not_sent=missed, late_s=late)
        return missed

    def _tell_unsent(self, end: float) -> None:
        """Tell of turns that had come due well before the end and will not be started any more."""
        until, late = end - STOP_TOOK_S, end - self._due
        if late > STOP_TOOK_S:
            unsent = 1 + int(self._steering.pace.wanted(self._due, until))
            self._record.behind("its schedule was late at the end", since=self._due, not_sent=unsent, late_s=late)

    def _start(self, intended: float) -> None:
        [kind] = self._random.choices(self._kinds, cum_weights=self._turns)
        if kind.under_way >= ALWAYS_ROOM and self._full(kind, intended):
            self._record.behind(f"{len(self._under_way)} requests are under way", since=intended, not_sent=1)
            return
        greenlet = Greenlet(self._do, kind, kind.user.random.choice(kind.tasks))
        greenlet.intended = greenlet.due = intended  # the one is taken by its first request
        kind.under_way += 1
        self._under_way.start(greenlet)

    def _full(self, kind: _Kind, moment: float) -> bool:
        """Whether no further request of a kind may be under way at a moment."""
        return len(self._under_way) >= MOST_UNDER_WAY or kind.under_way >= kind.room(
            self._steering.pace.rate_at(moment)
        )

    def _do(self, kind: _Kind, task: Task) -> None:
        current = gevent.getcurrent()
        intended = current.intended
        why = ""
        try:
            task(kind.user)
        except (OwnLimitError, NotSentError) as error:
            self._record.behind(str(error), since=intended, not_sent=1)
        except MusterError as error:
            why = f": {error}"
        except (StopUser, StopTest) as error:
            self._end(f"task {_name(task)} ended the run ({type(error).__name__})")
        finally:
            kind.under_way -= 1
            if current.intended is not None:  # no request took it
                self._sent_none(f"task {_name(task)} sent no request{why or _raised()}", intended)

    def _sent_none(self, reason: str, intended: float) -> None:
        """Note that a task sent nothing; where none ever does, the load ends."""
        self._record.behind(reason, since=intended, not_sent=1)
        self._fruitless += 1
        if self._fruitless >= FRUITLESS and not self._record.began:
            self._record.flush()
            sys.exit(f"error: {reason}, nor did any other; right would be: with self.rest('GET', '/path') as answer")

    def _end(self, why: str) -> None:
        """End the run, as the file wants it."""
        self._ended = self._ended or f"{why}, and a drill's load runs until the drill ends it"
        gevent.spawn(self.environment.runner.quit)

    def _keep_looking(self) -> None:
        """Follow the dial and the stages, and notice when this process was held up."""
        while True:
            before = now()
            gevent.sleep(LOOK_EVERY_S)
            late = now() - before - LOOK_EVERY_S
            if self._over:
                return
            if late > LATE_S:
                self._record.behind("its process was held up", since=before, late_s=late)
            self._follow()

    def _follow(self) -> None:
        self._tell_changes(now())
        for news in self._dial.read() if self._dial else ():
            if refused := self._steering.take(news, now()):
                self._record.tell("kept", reason=refused)
        at = now()
        self._tell_changes(at)
        self._steering.settle(at)
        if (limit := self._allowance.limit()) != self._gate.limit:
            self._gate.set_limit(limit)

    def _tell_changes(self, until: float) -> None:
        for change in self._steering.due(until):
            self._record.rate(change.rate, change.over_s, at=change.at, stage=change.stage)

    def _keep_flushing(self) -> None:
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            try:
                self._record.flush()
            except TimelineError as error:
                # Load that is not recorded must not go on.
                logging.getLogger(__name__).critical("the load cannot go on: %s", error)
                self.environment.process_exit_code = 1
                self.environment.runner.quit()
                return


def _raised() -> str:
    """What the task is being left for, in a few words; nothing where it just returned."""
    error = sys.exception()
    return f": {type(error).__name__}: {error}" if isinstance(error, Exception) else ""


def _name(task: Task) -> str:
    return str(getattr(task, "__name__", None) or repr(task))
