"""Known outages, and how clients who ask in a given rhythm meet them: virtual time for `muster.verdict.testing`.

`asked` plays one stream of requests. A punctual one (`own` None) sends when it means to. With `Own` it behaves as the
prober and the load do on a real machine: sent late and read late, held up now and then by processes that get no turn,
on new and kept connections, faster while nothing answers. A request then meets the service at one moment between its
sending and its answer, and what the service is at that moment decides.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

UNANSWERED = frozenset(("refused", "reset", "empty", "timeout", "unreachable"))
ANSWERED_IN_A_ROW = 3  # after which a probe goes back from its edge rhythm to its own
REFUSAL_S = 0.0005  # what it takes to learn that a connection is refused or broken


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the service was not well: [start, end) in seconds, for `streams` (all where empty).

    `how`: `refused`, `reset`, `timeout`, `error`, `shed`, `wrong`, or `slow` (answers come right, `slow_s` late). A
    `share` below 1 hits requests at random. `only` narrows it: to `writes`, or to `new` or `kept` connections.
    """

    start: float
    end: float
    how: str = "refused"
    streams: frozenset[str] = frozenset()
    share: float = 1.0
    slow_s: float = 3.0
    only: str = ""

    def hits(self, stream: str, begin: float, end: float) -> bool:
        """Whether a request of `stream`, under way in [begin, end], meets this outage."""
        return (not self.streams or stream in self.streams) and begin < self.end and end >= self.start

    def strikes(self, *, write: bool, kept: bool) -> bool:
        """Whether it strikes such requests at all."""
        return {"": True, "writes": write, "new": not kept, "kept": kept}[self.only]

    def breaks_connections(self) -> bool:
        """Whether it breaks at its start what is under way, as a process does that dies."""
        return self.how in ("refused", "reset") and self.only != "new"


@dataclass(frozen=True, slots=True)
class Own:
    """What a client's own process adds. Seconds.

    `late` is the mean delay of a turn, `stalls` are stretches in which the process gets no turn. `renew_after` requests
    a connection is closed; 0: new and kept ones take turns, as the prober's do. `writes` is the ratio of requests that
    write, where not all do.
    """

    late: float = 0.0002
    stalls: tuple[tuple[float, float], ...] = ()
    renew_after: int = 0
    writes: float = 0.0

    def delayed(self, moment: float, chance: random.Random) -> float:
        """When this process comes to do what was due at a moment."""
        late = moment + chance.expovariate(1 / self.late)
        return next((until for since, until in self.stalls if since <= late < until), late)


@dataclass(frozen=True, slots=True)
class Asking:
    """A stream of requests: one every `every` seconds from `start` to `stop`, taking `takes` seconds, giving up after
    `limit`. While it is not answered it asks every `edge` seconds."""

    name: str
    every: float
    write: bool = False
    start: float = 0.0
    stop: float = 30.0
    takes: float = 0.01
    limit: float = 1.0
    edge: float | None = None
    own: Own | None = None


class _Turn(NamedTuple):
    """A request about to be made."""

    intended: float
    sent: float
    kept: bool


class Asked(NamedTuple):
    """One request. `harmed` is the moment at which the service truly failed it, or None."""

    intended: float
    sent: float
    done: float
    outcome: str
    conn: str
    write: bool
    harmed: float | None


@dataclass
class _Rhythm:
    """When the next turn is: `every` seconds after the last one, or `edge` until it has been answered a few times."""

    asking: Asking
    at: float
    number: int = 0
    hurried: bool = False
    in_a_row: int = 0
    heard: list[tuple[float, bool]] = field(default_factory=list)  # (when, answered), a heap

    @property
    def intended(self) -> float:
        # Multiplied, not added up: a thousand turns later it is still the moment that was meant.
        return self.at + self.number * self._gap

    @property
    def _gap(self) -> float:
        return self.asking.edge if self.hurried and self.asking.edge else self.asking.every

    def hear(self, moment: float) -> None:
        """Take in what had been answered, or not, by a moment."""
        while self.heard and self.heard[0][0] <= moment:
            _, answered = heapq.heappop(self.heard)
            self.in_a_row = self.in_a_row + 1 if answered else 0
            if self.asking.edge is not None and self.hurried != (wanted := self.in_a_row < ANSWERED_IN_A_ROW):
                self.at, self.number, self.hurried = self.intended, 0, wanted

    def expect(self, done: float, *, answered: bool) -> None:
        if self.asking.edge is not None:
            heapq.heappush(self.heard, (done, answered))


@dataclass
class _Pool:
    """The connection that a client keeps, as far as it matters here: is there one, and how often was it used."""

    own: Own | None
    turn: int = -1
    used: int = 0

    def take(self) -> bool:
        """Whether the next request goes over a kept connection."""
        self.turn += 1
        if self.own is None:
            return True
        if self.own.renew_after:
            return self.used > 0
        return self.turn % 2 == 1 and self.used > 0

    def put_back(self, *, answered: bool) -> None:
        if self.own is None:
            return
        if self.own.renew_after:
            self.used = (self.used + 1) % self.own.renew_after if answered else 0
        elif self.turn % 2 == 1:
            self.used = int(answered)

    def broken(self) -> None:
        self.used = 0


def asked(asking: Asking, outages: Sequence[Outage], chance: random.Random) -> Iterator[Asked]:
    """The requests of a stream, in order of their intended times, had the service truly been as the outages say."""
    rhythm, pool = _Rhythm(asking, asking.start), _Pool(asking.own)
    rhythm.in_a_row = ANSWERED_IN_A_ROW
    before = asking.start
    while rhythm.intended + asking.every <= asking.stop + 1e-9:
        intended = rhythm.intended
        own = asking.own
        if own is None:
            request = _punctual(asking, outages, intended, chance)
        else:
            if any(o.breaks_connections() and before < o.start <= intended for o in outages):
                pool.broken()
            before = intended
            turn = _Turn(intended, own.delayed(intended, chance), pool.take())
            request = _met(asking, own, outages, turn, chance)
        answered = request.outcome not in UNANSWERED
        pool.put_back(answered=answered)
        rhythm.expect(request.done, answered=answered)
        yield request
        rhythm.number += 1
        rhythm.hear(intended)


def _punctual(asking: Asking, outages: Sequence[Outage], intended: float, chance: random.Random) -> Asked:
    """A request by a client that is never late; any outage while it is under way hits it."""
    sent = intended + chance.uniform(0, asking.every / 10)
    done = sent + asking.takes * chance.uniform(0.5, 1.0)
    outage = next((outage for outage in outages if outage.hits(asking.name, sent, done)), None)
    if outage is None or chance.random() >= outage.share:
        return Asked(sent, sent, done, "ok", "kept", asking.write, None)
    if outage.how in ("slow", "timeout"):
        outcome, done = _late(asking, outage, sent, sent)
    elif sent < outage.start:  # under way when it began
        outcome, done = ("reset" if outage.how in ("refused", "reset") else outage.how), outage.start
    else:
        outcome, done = outage.how, sent + REFUSAL_S
    return Asked(sent, sent, done, outcome, "kept", asking.write, max(sent, outage.start))


def _met(asking: Asking, own: Own, outages: Sequence[Outage], turn: _Turn, chance: random.Random) -> Asked:
    """A request as a real client makes it."""
    intended, sent, kept = turn
    write = asking.write or chance.random() < own.writes
    took = asking.takes * chance.uniform(0.5, 1.0) * (2 if asking.write else 1)  # a ledger's write is read back
    looked = sent + took * chance.random()
    outcome, done, harmed = "ok", sent + took, None
    for outage in outages:
        if not (outage.hits(asking.name, sent, sent + took) and outage.strikes(write=write, kept=kept)):
            continue
        # A new connection is refused as it is opened; what is under way breaks when the service does.
        moment = sent if outage.how == "refused" and not kept and sent >= outage.start else looked
        moment = outage.start if outage.breaks_connections() and sent < outage.start else moment
        if not outage.start <= moment < outage.end or chance.random() >= outage.share:
            continue
        harmed = moment
        outcome, done = _harm(asking, outage, sent, moment, sent + took)
        break
    conn = "kept" if kept and outcome != "refused" else "new"
    return Asked(intended, sent, own.delayed(done, chance), outcome, conn, write, harmed)


def _harm(asking: Asking, outage: Outage, sent: float, moment: float, done: float) -> tuple[str, float]:
    """Outcome and end of a request that met an outage at a moment."""
    if outage.how in ("slow", "timeout"):
        return _late(asking, outage, sent, moment)
    if outage.how in ("refused", "reset"):
        broken = sent < outage.start and outage.breaks_connections()
        return ("reset" if broken else outage.how), moment + REFUSAL_S
    return outage.how, done


def _late(asking: Asking, outage: Outage, sent: float, moment: float) -> tuple[str, float]:
    late = moment + outage.slow_s
    if outage.how == "slow" and late <= sent + asking.limit:
        return "ok", late
    return "timeout", sent + asking.limit
