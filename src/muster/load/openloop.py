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
from dataclasses import KW_ONLY, dataclass
from random import Random
from typing import Any, NoReturn

import gevent
import orjson
from locust import User, events
from locust.env import Environment
from locust.exception import CatchResponseError, StopTest, StopUser
from locust.runners import Runner

from muster.base.clock import now
from muster.base.errors import MusterError, UsageError
from muster.load.connection import Connections, NoAnswerError
from muster.load.declared import check_file, check_weights
from muster.load.destination import Destination
from muster.load.gate import Gate, NotSentError
from muster.load.generator import GIVE_UP_S, Generator
from muster.load.record import LoadRecord, Look
from muster.load.request_line import check_headers, encoded
from muster.probes.http.outcomes import GONE, Outcome, OwnLimitError, of_status
from muster.system.headers import of_environment

SLOT_S = 0.02  # how late a request may leave after the moment that it was given
NOT_ITS_FAULT = (NotSentError, OwnLimitError, MusterError, StopUser, StopTest)  # what a block is left for
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
    try:
        check_weights(OpenLoopUser)
    except UsageError as error:
        sys.exit(f"error: {error}")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _lead(environment: Environment, runner: Runner | None = None, **_: Any) -> None:
    """Put the one schedule in the place of the users that the file declares."""
    options = environment.parsed_options
    assert options is not None
    if options.equal_weights:
        environment.assign_equal_weights()
    kinds = environment.user_classes
    try:
        check_file(environment, runner, OpenLoopUser)
        Generator.kinds = tuple(sorted(kinds, key=lambda kind: kind.__name__))
        Generator.wanted(options)
    except UsageError as error:
        sys.exit(f"error: {error}")
    environment.user_classes[:] = [Generator]


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def _give_up(exception: BaseException, **_: Any) -> None:
    """Locust goes on without a user that could not begin: then nobody asks, for as long as it runs."""
    said = str(exception) if isinstance(exception, MusterError) else f"{type(exception).__name__}: {exception}"
    sys.exit(f"error: {said}")


class Answer:
    """The answer in a `with self.rest(...)` block."""

    def __init__(self) -> None:
        self.outcome = Outcome.OK
        self.why = ""
        self.status_code: int | None = None
        self.conn = "new"
        self.content = b""
        self.promised: list[Hashable] = []
        self.missed: dict[Hashable, str] = {}
        self.denied = False

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
        self.missed[identity] = "lost"
        self.failure(why or f"{identity} is not there")

    def altered(self, identity: Hashable, why: str = "") -> None:
        """The same, where it is there with other content than what was acknowledged."""
        self.missed[identity] = "altered"
        self.failure(why or f"{identity} has another content")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered, or given up: its times (CLOCK_MONOTONIC seconds), what it `reads`, and whether the
    status that came is `right`."""

    method: str
    name: str
    intended: float
    sent: float
    done: float
    reads: Hashable
    _: KW_ONLY
    right: bool


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

    def join(self, record: LoadRecord, gate: Gate, source: Random, to: Destination) -> None:
        """Take what all kinds of users of a process share: `to` is where all that they ask goes.

        Raises:
            UsageError: the kind has a host of its own that leads elsewhere.
        """
        self._record, self._gate, self.random, self._to = record, gate, source, to
        self.check_host()
        self._connections = Connections(to, limit_s=self.limit_s, renew_after=self.renew_after)
        self._headers = of_environment()  # the system's own; what a task says of a header stands before them

    def check_host(self) -> None:
        """Look at what the file made of `host`; requests do not go by it.

        Raises:
            UsageError: it leads elsewhere than the load goes.
        """
        to = self._to
        if self.host and not Destination.of(self.host).leads_to(to):
            raise UsageError(
                f"{type(self).__name__} has the host {Destination.of(self.host)}, and the load goes to {to}; "
                "right would be no host in the file"
            )

    @property
    def client(self) -> NoReturn:
        """Locust's clients wait for each answer and are not recorded.

        Raises:
            UsageError: always; it says what to write instead.
        """
        raise UsageError(
            "there is no self.client in an open loop; right would be: with self.rest('GET', '/path') as answer"
        )

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
        is lost; altered, where the status is right and the block demands what does not hold. `removes` names what this
        request may remove, so that from now on nobody misses it.

        Raises:
            NotSentError: the ceiling leaves no room for it; the schedule takes that, and tells of it.
            OwnLimitError: this process ran out of descriptors, ports and the like; likewise.
            UsageError: this is no path on the service, or a header that cannot be sent; likewise.
        """
        target, own = encoded(path), dict(headers or {})
        check_headers(own, self._to)
        self._record.began += 1
        current = gevent.getcurrent()
        ready = now()
        # The first request of a task is what the schedule intended; what follows in the same task has its own time.
        intended, current.intended = getattr(current, "intended", None) or ready, None
        sent = self._pass_gate(ready)
        self._record.acknowledged.remove(removes)
        answer = self._ask(method, target, json, {**self._headers, **own}, status)
        asked = Asked(method, name or path, intended, sent, now(), reads, right=answer.outcome is Outcome.OK)
        try:
            yield answer
        except WRONG_CONTENT as error:
            answer.denied = True
            answer.failure(_said(error))
        except Exception as error:  # it was sent all the same
            if not isinstance(error, NOT_ITS_FAULT):
                answer.failure(_said(error))
            self._note(asked, answer)
            raise
        self._note(asked, answer)

    def _note(self, asked: Asked, answer: Answer) -> None:
        """Tell what became of a request, and what that says of things that were acknowledged."""
        write = asked.method != "GET"
        self._record.request(asked.name, asked.intended, asked.sent, asked.done, answer, write=write)
        for identity, found in _findings(answer, asked):
            look = Look(asked.name, asked.sent, asked.done, answer.status_code, answer.why)
            self._record.found(identity, found, look)
        if answer.outcome is Outcome.OK:
            for identity in answer.promised:
                self._record.acknowledged.add(identity, asked.done)
        self.environment.events.request.fire(
            request_type=asked.method,
            name=asked.name,
            response_time=(asked.done - asked.intended) * 1000,
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


def _findings(answer: Answer, asked: Asked) -> Iterator[tuple[Hashable, str]]:
    """What an answer says of things that may have been acknowledged."""
    if answer.status_code in GONE:
        yield asked.reads, "lost"
    elif asked.right:
        yield from answer.missed.items()
        if answer.denied and asked.reads not in answer.missed:
            yield asked.reads, "altered"
        elif answer.outcome is Outcome.OK and asked.reads is not None:
            yield asked.reads, "same"


def _said(error: Exception) -> str:
    """One line on what a block found missing: a plain `assert` says nothing but what stands in the file."""
    if str(error):
        return f"{type(error).__name__}: {error}"
    return f"{type(error).__name__}: {traceback.extract_tb(error.__traceback__)[-1].line}"
