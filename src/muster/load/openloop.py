"""What a Locust file imports: a user whose tasks are started by the clock, not by the answers.

Locust's own users wait for each answer, so in an outage they stop asking and hide it (coordinated omission). An
`OpenLoopUser` starts its tasks at intended times, `--rate` of them a second, whatever the service does, and counts
latency from the intended time. A file that uses it is a plain Locust file:

    locust -f loadtests/steady.py --headless -u 1 --host http://127.0.0.1:8080 --rate 200

Each user is one schedule, so one user is enough (`-u 1`); N of them ask N times as much. Importing this imports Locust,
which patches the process: never import it in pytest.
"""

from __future__ import annotations

import logging
import random
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import orjson
from gevent import Greenlet
from gevent.pool import Group
from locust import User, events
from locust.env import Environment
from locust.exception import CatchResponseError

from muster.base.clock import now
from muster.base.dial import Dial, Turn
from muster.base.timeline import TimelineError
from muster.load.connection import Connections, NoAnswerError
from muster.load.record import LoadRecord
from muster.load.schedule import Pace, even, poisson
from muster.probes.events import FLUSH_EVERY_S
from muster.probes.outcomes import Outcome, OwnLimitError, of_status

LATE_S = 1.0  # a generator further behind than this does not generate the load that was asked for
LAST_ANSWERS_S = 0.3  # how long requests under way at the end may still be answered
MOST_UNDER_WAY = 4000
DIAL_EVERY_S = 0.05
WRONG_CONTENT = (AssertionError, LookupError, TypeError, ValueError, AttributeError)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: ArgumentParser, **_: Any) -> None:
    group = parser.add_argument_group("Open loop options")
    group.add_argument("--rate", type=float, default=0.0, help="Requests per second; the file's own rate by default")
    group.add_argument(
        "--arrivals", choices=("even", "poisson"), default="even", help="How requests are spread in time"
    )
    group.add_argument("--seed", type=int, default=0, help="Makes the choice of tasks repeatable")
    group.add_argument("--timeline", default="", help="Timeline file to append each request to")
    group.add_argument("--dial", default="", help="Named pipe through which the rate is changed (muster.base.dial)")
    group.add_argument("--ceiling", type=float, default=0.0, help="Requests per second that no change may pass")


class Answer:
    """The answer in a `with self.rest(...)` block."""

    def __init__(self) -> None:
        self.outcome = Outcome.OK
        self.why = ""
        self.status_code: int | None = None
        self.conn = "new"
        self.content = b""

    @property
    def js(self) -> Any:
        """The answer's JSON. One that is no JSON is wrong as soon as a block looks at it."""
        return orjson.loads(self.content)

    def failure(self, why: str, outcome: Outcome = Outcome.WRONG) -> None:
        """The answer is not right. What was found first stands: a refused connection is not a wrong answer as well."""
        if self.outcome is Outcome.OK:
            self.outcome, self.why = outcome, why


class OpenLoopUser(User):
    """A Locust user whose tasks are started at intended times and run side by side."""

    abstract = True

    rate: float = 100.0
    """Tasks started per second where the command line names no --rate; afterwards what is wanted at the moment."""

    limit_s: float = 2.0
    """Seconds from its sending after which a request is given up."""

    renew_after: int = 4
    """Requests after which a connection is closed and a new one opened, so that a Service spreads them."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        options = environment.parsed_options
        assert options is not None
        assert self.host, "name the service with --host"
        self.rate = options.rate or self.rate
        self.random = random.Random(options.seed)
        self._gap = poisson(self.random) if options.arrivals == "poisson" else even
        # The one task that Locust sees is the schedule; that starts the declared ones, each as often as it weighs.
        self._declared, self.tasks = self.tasks, [OpenLoopUser._keep_schedule]
        self._connections = Connections(self.host, limit_s=self.limit_s, renew_after=self.renew_after)
        self._under_way = Group()
        self._ceiling = options.ceiling
        self._dial = Dial(Path(options.dial), self.rate) if options.dial else None
        timeline = Path(options.timeline) if options.timeline else None
        self._record = LoadRecord(timeline, profile=Path(options.locustfile).stem, rate=self.rate)

    def on_start(self) -> None:
        """Tell that load begins. A subclass that has its own calls this one."""
        self._record.tell("started")
        self._pace = Pace(self.rate, now())
        gevent.spawn(self._keep_flushing)
        if self._dial:
            gevent.spawn(self._keep_looking, self._dial)

    def on_stop(self) -> None:
        """Give what is under way a moment, and tell that load has ended. A subclass that has its own calls this one."""
        self._under_way.join(timeout=LAST_ANSWERS_S)
        self._record.tell("stopped", reason="it was told to stop", abandoned=len(self._under_way))
        self._under_way.kill(block=False)
        self._record.flush()
        self._connections.close()

    @contextmanager
    def rest(
        self,
        method: str,
        path: str,
        *,
        name: str | None = None,
        json: Any = None,
        status: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """Send one request; the block looks at the answer, and what it finds missing makes that `wrong`.

        As in Locust's own `rest`, an assertion that fails, a missing key and the like in the block are the answer's
        fault. `status` are the statuses that are right; `name` stands for `path` in statistics.
        """
        current = gevent.getcurrent()
        sent = now()
        # The first request of a task is what the schedule intended; what follows in the same task has its own time.
        intended, current.intended = getattr(current, "intended", None) or sent, None
        answer = self._ask(method, path, json, dict(headers or {}), status)
        done = now()
        try:
            yield answer
        except WRONG_CONTENT as error:
            answer.failure(f"{type(error).__name__}: {error}")
        self._record.request(name or path, intended, sent, done, answer, write=method != "GET")
        self.environment.events.request.fire(
            request_type=method,
            name=name or path,
            response_time=(done - intended) * 1000,
            response_length=len(answer.content),
            response=answer,
            context={},
            exception=None if answer.outcome is Outcome.OK else CatchResponseError(f"{answer.outcome}: {answer.why}"),
        )

    def _ask(self, method: str, path: str, json: Any, headers: dict[str, str], status: tuple[int, ...]) -> Answer:
        answer, body = Answer(), None
        if json is not None:
            body, headers["Content-Type"] = orjson.dumps(json), "application/json"
        try:
            reply = self._connections.request(method, path, body, headers)
        except NoAnswerError as error:
            answer.conn = error.conn
            answer.failure(str(error), error.outcome)
            return answer
        answer.status_code, answer.content, answer.conn = reply.status, reply.body, reply.conn
        outcome = of_status(reply.status, status, retry_after=reply.retry_after)
        if outcome is not Outcome.OK:
            answer.failure(f"status {reply.status}", outcome)
        return answer

    def _keep_schedule(self) -> None:
        intended = now()
        while True:
            self._start(intended)
            intended = self._wait_turn(intended, self._gap())

    def _wait_turn(self, before: float, gap: float) -> float:
        """Wait until the request after that of `before` is due, and return the moment at which it was."""
        # In slices, since the pace may change while a slow load waits.
        while (intended := self._pace.after(before, gap)) - now() > DIAL_EVERY_S:
            gevent.sleep(DIAL_EVERY_S)
        # Also when late: tasks must get their turn.
        gevent.sleep(max(intended - now(), 0))
        return intended

    def _start(self, intended: float) -> None:
        if now() - intended > LATE_S:
            self._record.behind(f"it is more than {LATE_S:g} s late")
        if len(self._under_way) >= min(MOST_UNDER_WAY, int(self.rate * self.limit_s * 1.25) + 50):
            self._record.behind(f"{len(self._under_way)} requests are under way", not_sent=1)
            return
        task = Greenlet(self._do, self.random.choice(self._declared))
        task.intended = intended
        self._under_way.start(task)

    def _keep_looking(self, dial: Dial) -> None:
        while True:
            gevent.sleep(DIAL_EVERY_S)
            if (turn := dial.read()) is not None:
                self._follow(turn)

    def _follow(self, turn: Turn) -> None:
        if self._ceiling and turn.rate > self._ceiling:
            most = f"{turn.rate:g} requests/s were wanted, system.yaml allows {self._ceiling:g} (max_requests_per_s)"
            self._record.tell("kept", reason=most)
            return
        at = now()
        self._pace.change(turn.rate, at=at, over_s=turn.over_s)
        self.rate = turn.rate
        self._record.rate(turn.rate, turn.over_s, at=at)

    def _do(self, task: Any) -> None:
        try:
            task(self)
        except OwnLimitError as error:
            self._record.behind(str(error), not_sent=1)

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
