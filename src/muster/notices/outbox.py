"""The outbox: notices that wait in the store until they have arrived, whoever dies meanwhile.

A delivery is claimed before it is sent and settled afterwards, each in a transaction of its own. Who dies in between
leaves a claim that runs out, and the same message is sent again under the same uid: nothing is lost, and what arrives
twice can be told by that wherever a channel has a place for it.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from muster.base.clock import utc_iso
from muster.notices.notice import SEVERITIES, Notice
from muster.notices.post import Post, Put
from muster.store.opened import Opened
from muster.store.schema import DELIVERIES, NOTICES

WAITING, SENT, GIVEN_UP = "waiting", "sent", "given up"
LEASE_S = 30.0  # longer than a sending takes that goes well; after it another may try
FIRST_AGAIN_S, LATEST_AGAIN_S = 5.0, 600.0
MINUTE_S = 60.0
# As many at once are read one by one; more of them are one message.
MOST_SINGLE = 3
MOST_TOGETHER = 100
_OF_NOTICE = ("key", "severity", "system", "cluster", "title", "source", "drill", "incident", "at")
_OF_DELIVERY = (
    *("id", "notice_id", "channel", "uid", "template", "language", "subject", "body", "state", "attempts", "due"),
    *("until", "message", "claimed_until", "ended", "why"),
)


@dataclass(frozen=True)
class Delivery:
    """A notice on its way to a channel; times are UTC (ISO 8601). `told` is the notice's state, `state` its own.
    `message` is the uid under which it is sent, several of them as one where it came to that."""

    id: int
    notice_id: int
    channel: str
    uid: str
    template: str
    language: str
    subject: str
    body: str
    state: str
    attempts: int
    due: str
    until: str
    message: str | None
    claimed_until: str | None
    ended: str | None
    why: str | None
    key: str
    severity: str
    system: str
    cluster: str
    title: str
    source: str
    drill: str | None
    incident: str | None
    at: str
    told: str


@dataclass(frozen=True)
class Claim:
    """Deliveries that are about to be sent as one message, and the name under which they are settled."""

    name: str
    uid: str
    deliveries: Sequence[Delivery]


# Told of deliveries that came to an end, in the transaction in which they do.
Settled = Callable[[Connection, Sequence[Delivery]], None]


def nobody(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Nobody is told."""


class Outbox(Opened):
    """The store's notices. A context manager; several processes and threads may use it at once."""

    def put(self, post: Post, notice: Notice) -> Put:
        """As `Post.put`, in a transaction of its own.

        Raises:
            HistoryError: the store cannot be used.
        """
        with self._told(), self._writing() as connection:
            return post.put(connection, notice)

    def claim(
        self,
        channel: str,
        *,
        keyed: bool,
        per_minute: int,
        hurry: bool = False,
        but: Collection[int] = (),
        system: str | None = None,
        settled: Settled = nobody,
    ) -> Claim | None:
        """Take what is to be sent next to a channel; None where nothing is due, another is sending there, or the
        channel has had its share of this minute. With `hurry` what waits for its next try is due, `but` these.
        With a `system` nothing else is looked at: the same name may be another channel elsewhere.

        What was put first is sent first; what waits for a try that failed holds up nothing but its own key.

        Raises:
            HistoryError: the store cannot be used.
        """
        with self._told(), self._writing() as connection:
            # Whoever claims for a channel waits for the one who does so now, and sees what that one took.
            waiting = [_delivery(row) for row in connection.execute(_waiting(channel, system).with_for_update())]
            at = utc_iso()
            late = [one for one in waiting if one.until <= at]
            self._end(connection, late, GIVEN_UP, settled)
            waiting = [one for one in waiting if one.until > at]
            if any(one.claimed_until is not None and one.claimed_until > at for one in waiting):
                return None
            due = _due(waiting, at, hurry=hurry, but=but)
            if not due or _sent_lately(connection, channel) >= per_minute:
                return None
            together = _together(due, keyed=keyed)
            claim = Claim(str(uuid.uuid4()), together[0].message or _uid(together), together)
            values = {"claim": claim.name, "claimed_until": utc_iso(after_s=LEASE_S), "message": claim.uid}
            self._change(connection, claim, values, claimed=False)
            return claim

    def settle(self, claim: Claim, why: str | None, settled: Settled = nobody) -> None:
        """Say what became of a claim: it arrived, or `why` not. Nothing is changed where it ran out and another has it.

        Raises:
            HistoryError: the store cannot be used.
        """
        with self._told(), self._writing() as connection:
            if why is None:
                tried = {"attempts": claim.deliveries[0].attempts + 1, "why": None}
                if self._change(connection, claim, tried, claimed=True):
                    self._end(connection, claim.deliveries, SENT, settled)
                return
            attempts = max(one.attempts for one in claim.deliveries) + 1
            due = utc_iso(after_s=backoff(attempts))
            values = {"attempts": attempts, "why": why, "due": due, "claim": None, "claimed_until": None}
            self._change(connection, claim, values, claimed=True)

    def give_up(self, deliveries: Iterable[int]) -> None:
        """End deliveries that nobody waits for any longer.

        Raises:
            HistoryError: the store cannot be used.
        """
        with self._told(), self._writing() as connection:
            ended = {"state": GIVEN_UP, "ended": utc_iso()}
            wanted = DELIVERIES.c.id.in_(list(deliveries)), DELIVERIES.c.state == WAITING
            connection.execute(update(DELIVERIES).where(*wanted).values(ended))

    # -- reading

    def deliveries(
        self, *, states: Iterable[str] = (), since: datetime | None = None, notices: Iterable[int] = ()
    ) -> list[Delivery]:
        """Deliveries in these states (without any, in all), put since a moment, or of these notices, the oldest first.

        Raises:
            HistoryError: the store cannot be read.
        """
        wanted = _joined()
        if chosen := list(states):
            wanted = wanted.where(DELIVERIES.c.state.in_(chosen))
        if since is not None:
            wanted = wanted.where(NOTICES.c.at >= since.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        if named := list(notices):
            wanted = wanted.where(DELIVERIES.c.notice_id.in_(named))
        with self._reading() as connection:
            return [_delivery(row) for row in connection.execute(wanted)]

    def notices(self, key: str | None = None) -> list[Mapping[str, Any]]:
        """The notices, or those of a key, as their rows have them, the oldest first.

        Raises:
            HistoryError: the store cannot be read.
        """
        wanted = select(NOTICES).order_by(NOTICES.c.id)
        if key is not None:
            wanted = wanted.where(NOTICES.c.key == key)
        with self._reading() as connection:
            return [row._asdict() for row in connection.execute(wanted)]

    # --

    def _change(self, connection: Connection, claim: Claim, values: Mapping[str, Any], *, claimed: bool) -> int:
        wanted = DELIVERIES.c.id.in_([one.id for one in claim.deliveries])
        statement = update(DELIVERIES).where(wanted, DELIVERIES.c.state == WAITING)
        if claimed:
            statement = statement.where(DELIVERIES.c.claim == claim.name)
        return connection.execute(statement.values(values)).rowcount

    def _end(self, connection: Connection, which: Sequence[Delivery], state: str, settled: Settled) -> None:
        if not which:
            return
        wanted = DELIVERIES.c.id.in_([one.id for one in which])
        values = {"state": state, "ended": utc_iso(), "claim": None, "claimed_until": None}
        connection.execute(update(DELIVERIES).where(wanted).values(values))
        ended = _joined().where(wanted)
        settled(connection, [_delivery(row) for row in connection.execute(ended)])


def backoff(attempts: int) -> float:
    """Seconds until the next try after so many: twice as long each time, up to 10 min, and not for all the same."""
    longest: float = min(FIRST_AGAIN_S * 2 ** min(attempts - 1, 20), LATEST_AGAIN_S)
    return longest * random.uniform(0.5, 1.0)


def _uid(together: Sequence[Delivery]) -> str:
    return together[0].uid if len(together) == 1 else str(uuid.uuid4())


def _due(waiting: Sequence[Delivery], at: str, *, hurry: bool, but: Collection[int]) -> list[Delivery]:
    """What may be sent now: of each key nothing before what was put earlier."""
    due, held = list[Delivery](), set[str]()
    for one in waiting:
        if one.key in held or one.id in but or not (hurry or one.due <= at):
            held.add(one.key)
        else:
            due.append(one)
    return due


def _together(due: Sequence[Delivery], *, keyed: bool) -> Sequence[Delivery]:
    """What is sent as one message. What was tried as one is tried again as it was: it may have arrived."""
    first = due[0]
    if first.message is not None:
        return [one for one in due if one.message == first.message]
    fresh = [one for one in due if one.message is None]
    return [first] if keyed or len(fresh) <= MOST_SINGLE else fresh[:MOST_TOGETHER]


def gravest(deliveries: Iterable[Delivery]) -> str:
    """The gravest severity among them."""
    return min((one.severity for one in deliveries), key=SEVERITIES.index)


def _joined() -> Select[Any]:
    columns = [*(DELIVERIES.c[name] for name in _OF_DELIVERY), *(NOTICES.c[name] for name in _OF_NOTICE)]
    joined = select(*columns, NOTICES.c.state.label("told")).join(NOTICES, NOTICES.c.id == DELIVERIES.c.notice_id)
    return joined.order_by(DELIVERIES.c.id)


def _waiting(channel: str, system: str | None) -> Select[Any]:
    wanted = _joined().where(DELIVERIES.c.channel == channel, DELIVERIES.c.state == WAITING)
    return wanted if system is None else wanted.where(NOTICES.c.system == system)


def _sent_lately(connection: Connection, channel: str) -> int:
    """The messages that a channel was sent in the last minute."""
    since = utc_iso(after_s=-MINUTE_S)
    table = DELIVERIES.c
    counted = select(func.count(table.message.distinct())).where(
        table.channel == channel, table.state == SENT, table.ended > since
    )
    return connection.execute(counted).scalar_one()


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**row._asdict())
