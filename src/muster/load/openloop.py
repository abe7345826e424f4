"""What a Locust file imports: a user whose tasks are started by the clock, not by the answers.

Locust's own users wait for each answer, so in an outage they stop asking and hide it (coordinated omission). An
`OpenLoopUser` starts its tasks at intended times, `--rate` of them a second, whatever the service does, and counts
latency from the intended time. A file that uses it is a plain Locust file:

    locust -f loadtests/steady.py --headless -u 1 --host http://127.0.0.1:8080 --rate 200

A process has one schedule, whatever -u says. Importing this imports Locust, which patches the process: never import it
in pytest.
"""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

import gevent
import orjson
from locust import User, events
from locust.env import Environment
from locust.exception import CatchResponseError

from muster.base.clock import now
from muster.base.errors import UsageError
from muster.load.connection import Connections, NoAnswerError
from muster.load.gate import Gate
from muster.load.generator import GIVE_UP_S, Generator
from muster.load.record import LoadRecord, Look
from muster.probes.outcomes import Outcome, of_status
from muster.system.headers import of_environment

SLOT_S = 0.02  # how late a request may leave after the moment that it was given
GONE = (404, 410)
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
    group.add_argument("--ceiling", type=float, default=0.0, help="Requests per second that are never passed")
    group.add_argument("--stages", default="", help="JSON of the stages to go through (muster.load.stages)")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _lead(environment: Environment, **_: Any) -> None:
    """Put the one schedule in the place of the users that the file declares."""
    kinds = environment.user_classes
    if others := sorted(kind.__name__ for kind in kinds if not issubclass(kind, OpenLoopUser)):
        sys.exit(f"error: users must be muster.load.openloop.OpenLoopUser, and {', '.join(others)} is not")
    if idle := sorted(kind.__name__ for kind in kinds if not kind.tasks):
        sys.exit(f"error: {', '.join(idle)} has no task; right would be a method below @task, or no such class")
    Generator.kinds = tuple(sorted(kinds, key=lambda kind: kind.__name__))
    options = environment.parsed_options
    assert options is not None
    try:
        Generator.wanted(options)
    except UsageError as error:
        sys.exit(f"error: {error}")
    environment.user_classes[:] = [Generator]


class Answer:
    """The answer in a `with self.rest(...)` block."""

    def __init__(self) -> None:
        self.outcome = Outcome.OK
        self.why = ""
        self.status_code: int | None = None
        self.conn = "new"
        self.content = b""
        self.promised: list[Hashable] = []
        self.missed: list[Hashable] = []

    @property
    def js(self) -> Any:
        """The answer's JSON. One that is no JSON is wrong as soon as a block looks at it."""
        return orjson.loads(self.content)

    def failure(self, why: str, outcome: Outcome = Outcome.WRONG) -> None:
        """The answer is not right. What was found first stands: a refused connection is not a wrong answer as well."""
        if self.outcome is Outcome.OK:
            self.outcome, self.why = outcome, why

    def acknowledged(self, identity: Hashable) -> None:
        """The service promises by this answer that it keeps what `identity` names, if the answer is right.

        Whoever reads it says so (`reads=`): what is gone then, or altered, counts as lost in the drill.
        """
        self.promised.append(identity)

    def lost(self, identity: Hashable, why: str = "") -> None:
        """This answer had to hold what `identity` names (a list, say), and does not: it is wrong, and where that had
        been acknowledged it counts as lost in the drill."""
        self.missed.append(identity)
        self.failure(why or f"{identity} is not there")


class OpenLoopUser(User):
    """A kind of user whose tasks are started at intended times and run side by side.

    A file may declare several: of all turns each gets its share by `weight`. Each has its own tasks, connections and
    limits.
    """

    abstract = True

    rate: float = 100.0
    """Tasks started per second where the command line names no --rate; of several kinds, the highest, for all."""

    limit_s: float = 2.0
    """Seconds from its sending after which a request is given up."""

    renew_after: int = 4
    """Requests after which a connection is closed and a new one opened, so that a Service spreads them."""

    random: Random
    """What a task draws lots with, so that --seed makes it repeatable."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        assert self.host, "name the service with --host"
        self._connections = Connections(self.host, limit_s=self.limit_s, renew_after=self.renew_after)
        self._headers = of_environment()  # the system's own; what a task says of a header stands before them

    def join(self, record: LoadRecord, gate: Gate, source: Random) -> None:
        """Take what all kinds of users of a process share."""
        self._record, self._gate, self.random = record, gate, source

    def close(self) -> None:
        """Close the connections."""
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
        reads: Hashable = None,
        removes: Hashable = None,
    ) -> Iterator[Answer]:
        """Send one request; the block looks at the answer, and what it finds missing makes that `wrong`.

        As in Locust's own `rest`, an assertion that fails, a missing key and the like in the block are the answer's
        fault. `status` are the statuses that are right; `name` stands for `path` in statistics.

        `reads` names what was acknowledged before (`Answer.acknowledged`) and is looked at now: answered 404 or 410 it
        is lost, and altered where the status is right and the block is not content. `removes` names what this request
        may remove, so that from now on it is not missed.

        Raises:
            NotSentError: the ceiling leaves no room for it; the schedule takes that, and tells of it.
            OwnLimitError: this process ran out of descriptors, ports and the like; likewise.
        """
        current = gevent.getcurrent()
        ready = now()
        # The first request of a task is what the schedule intended; what follows in the same task has its own time.
        intended, current.intended = getattr(current, "intended", None) or ready, None
        sent = self._pass_gate(ready)
        self._record.acknowledged.remove(removes)
        answer = self._ask(method, path, json, {**self._headers, **(headers or {})}, status)
        done, in_time = now(), answer.outcome
        try:
            yield answer
        except WRONG_CONTENT as error:
            answer.failure(_said(error))
        self._record.request(name or path, intended, sent, done, answer, write=method != "GET")
        look = Look(name or path, sent, done, answer.status_code, answer.why)
        for identity, found in _findings(answer, reads, right=in_time is Outcome.OK):
            self._record.found(identity, found, look)
        if answer.outcome is Outcome.OK:
            for identity in answer.promised:
                self._record.acknowledged.add(identity, done)
        self.environment.events.request.fire(
            request_type=method,
            name=name or path,
            response_time=(done - intended) * 1000,
            response_length=len(answer.content),
            response=answer,
            context={},
            exception=None if answer.outcome is Outcome.OK else CatchResponseError(f"{answer.outcome}: {answer.why}"),
        )

    def _pass_gate(self, ready: float) -> float:
        """Wait until a request that is ready may be sent, and return when that is."""
        moment, latest = ready, ready + GIVE_UP_S
        while (slot := self._gate.slot(moment, latest=latest)) > moment:
            gevent.sleep(slot - moment)
            moment = now()
            if moment - slot <= SLOT_S:
                break
            # Held up meanwhile, as many others that waited: they must not leave all at once.
        return moment

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


def _findings(answer: Answer, reads: Hashable, *, right: bool) -> Iterator[tuple[Hashable, str]]:
    """What an answer says of things that may have been acknowledged; `right` if its status was."""
    if answer.status_code in GONE:
        yield reads, "lost"
    elif right:
        yield from ((identity, "lost") for identity in answer.missed)
        if answer.outcome is not Outcome.OK and reads not in answer.missed:
            yield reads, "altered"


def _said(error: Exception) -> str:
    """One line on what a block found missing: a plain `assert` says nothing but what stands in the file."""
    if str(error):
        return f"{type(error).__name__}: {error}"
    return f"{type(error).__name__}: {traceback.extract_tb(error.__traceback__)[-1].line}"
