"""What becomes of a notice: to which channels it goes, and what each of them is told."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, func, insert, select, update

from muster.base.clock import utc, utc_iso
from muster.notices.channels import Channel, channels_of_environment, variable_of
from muster.notices.notice import STATES, Notice, NoticeError
from muster.notices.templates import FOLDER, Templates, Text
from muster.store.schema import DELIVERIES, NOTICES
from muster.system import SystemDefinition
from muster.system.notices import NoticeChannel, Notices

_OF_SEVERITY = {"P1": "p1", "P2": "p2", "P3": "p3", "P4": "p3"}
PAGED = ("P1", "P2")  # somebody is to answer within half an hour, and may be woken


@dataclass(frozen=True)
class Route:
    """A channel by name, and what it is told; `kind` is empty where this machine has no address of it."""

    name: str
    kind: str
    severities: Sequence[str]
    states: Sequence[str]
    language: str
    template: str | None
    drills: bool
    per_minute: int

    def takes(self, notice: Notice) -> bool:
        """Whether a notice is for this channel."""
        return notice.state in self.states and (notice.drill is None or self.drills)


@dataclass(frozen=True)
class Put:
    """What became of a notice: whether it is new, whom it goes to, whether it is kept `quiet` as a drill's, and what
    was wrong with a project's own templates, in place of which the package's were taken."""

    new: bool
    channels: tuple[str, ...] = ()
    quiet: bool = False
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Post:
    """How a system's notices become messages: its routes by name, its templates, and the channels that this machine has
    addresses of. Without a `system` it is for those of all."""

    routes: Mapping[str, Route]
    templates: Templates
    channels: Mapping[str, Channel]
    language: str = "en"
    system: str | None = None

    @classmethod
    def of(cls, system: SystemDefinition | None, root: Path, environment: Mapping[str, str] | None = None) -> Self:
        """As a system.yaml, the folder `notices` below a project's root and the environment have it."""
        said = Notices() if system is None else system.notices
        channels = channels_of_environment(environment)
        names = sorted({*said.channels, *channels})
        routes = {name: _route(name, said, channels.get(name)) for name in names}
        templates = Templates(root / FOLDER, timezone=said.timezone)
        return cls(routes, templates, channels, said.language, None if system is None else system.name)

    def only(self, names: Iterable[str], **changes: Any) -> Post:
        """The same with these channels alone, and with changes of their routes.

        Raises:
            NoticeError: one is not known.
        """
        return replace(self, routes={name: replace(self.route(name), **changes) for name in names})

    def route(self, name: str) -> Route:
        """The route of that name.

        Raises:
            NoticeError: there is none.
        """
        if (found := self.routes.get(name)) is not None:
            return found
        there = f"there are: {', '.join(self.routes)}" if self.routes else "there is none yet"
        raise NoticeError(f"channel '{name}' is not known ({there}); set {variable_of(name)} to its address")

    def text(self, notice: Notice, route: Route) -> tuple[str, Text]:
        """What a channel is told, and from which template.

        Raises:
            NoticeError: the template is not there, or asks for what the notice does not have.
        """
        name = notice.template or route.template or _OF_SEVERITY[notice.severity]
        fields = fields_of(notice) | {"channel": route.name}
        return name, self.templates.render(name, route.language, fields, drill=notice.drill)

    def put(self, connection: Connection, notice: Notice) -> Put:
        """Put a notice into the outbox, in the transaction that `connection` is in; what is put is told.

        What was put already under the same key, state and step is counted, and not told again until the key is
        resolved. What is taken up or over is told to those channels that were told of it being raised, and to nobody
        where it was not.
        """
        turn = _turn(connection, notice.key)
        if notice.state != STATES[0] and not _raised(connection, notice.key, turn):
            return Put(new=False)
        key = _insert(connection, notice, turn)
        if key is None:
            return Put(new=False)
        routes = [route for route in self._asked(connection, notice, turn) if route.takes(notice)]
        quiet = notice.drill is not None and not routes
        rows, troubles = [], list[str]()
        for route in routes:
            name, text = self._text_at_any_rate(notice, route, troubles)
            rows.append(_row(key, route, name, text, notice))
        if rows:
            connection.execute(insert(DELIVERIES), rows)
        return Put(True, tuple(route.name for route in routes), quiet, tuple(dict.fromkeys(troubles)))

    def _asked(self, connection: Connection, notice: Notice, turn: int) -> Iterator[Route]:
        if notice.state == STATES[0]:
            yield from (route for route in self.routes.values() if notice.severity in route.severities)
            return
        told = (
            select(DELIVERIES.c.channel)
            .join(NOTICES, NOTICES.c.id == DELIVERIES.c.notice_id)
            .where(NOTICES.c.key == notice.key, NOTICES.c.turn == turn, NOTICES.c.state == STATES[0])
            .distinct()
        )
        for name in sorted(connection.execute(told).scalars()):
            if (route := self.routes.get(name)) is not None:
                yield route

    def _text_at_any_rate(self, notice: Notice, route: Route, troubles: list[str]) -> tuple[str, Text]:
        """What is told even where a project's own template is broken, or speaks another language: whom an emergency
        concerns is not left without a word for that."""
        try:
            return self.text(notice, route)
        except NoticeError as error:
            troubles.append(str(error))
        packaged = replace(self, templates=self.templates.packaged())
        plain = replace(notice, template=None)
        for language in (route.language, "en"):
            try:
                return packaged.text(plain, replace(route, template=None, language=language))
            except NoticeError:
                continue
        return "none", Text(f"{notice.severity} {notice.system}: {notice.title}", notice.title)


def fields_of(notice: Notice) -> dict[str, Any]:
    """What templates may use: the notice itself, what it brings, and the time."""
    own = ("key", "state", "severity", "system", "cluster", "title", "source", "drill", "incident", "step")
    return {**{name: getattr(notice, name) for name in own}, "now": utc(), **notice.fields}


def _route(name: str, said: Notices, channel: Channel | None) -> Route:
    own = said.channels.get(name, NoticeChannel())
    paged = channel is not None and channel.keyed
    return Route(
        name=name,
        kind="" if channel is None else channel.kind,
        severities=tuple(own.severities or (PAGED if paged else _OF_SEVERITY)),
        states=tuple(own.states),
        language=own.language or said.language,
        template=own.template,
        drills=own.drills,
        per_minute=own.per_minute or (6 if channel is None else channel.per_minute),
    )


def _turn(connection: Connection, key: str) -> int:
    """How often the key was resolved."""
    counted = select(func.count()).select_from(NOTICES).where(NOTICES.c.key == key, NOTICES.c.state == STATES[-1])
    return connection.execute(counted).scalar_one()


def _raised(connection: Connection, key: str, turn: int) -> bool:
    table = NOTICES.c
    wanted = select(table.id).where(table.key == key, table.turn == turn, table.state == STATES[0]).limit(1)
    return connection.execute(wanted).first() is not None


def _insert(connection: Connection, notice: Notice, turn: int) -> int | None:
    """The new row's id; None where it is there already, which is counted."""
    at = utc_iso()
    same = {"key": notice.key, "turn": turn, "state": notice.state, "step": notice.step}
    own = ("severity", "system", "cluster", "title", "source", "drill", "incident")
    row = {**same, **{name: getattr(notice, name) for name in own}, "at": at, "seen": 1, "last_seen": at}
    # Two that put the same at one moment put it once: each dialect has its own word for that.
    dialect = importlib.import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = dialect.insert(NOTICES).values(row).on_conflict_do_nothing(index_elements=list(same))
    found: int | None = connection.execute(statement.returning(NOTICES.c.id)).scalar_one_or_none()
    if found is None:
        there = [NOTICES.c[name] == value for name, value in same.items()]
        connection.execute(update(NOTICES).where(*there).values(seen=NOTICES.c.seen + 1, last_seen=at))
    return found


def _row(key: int, route: Route, template: str, text: Text, notice: Notice) -> dict[str, Any]:
    at = utc_iso()
    return {
        "notice_id": key,
        "channel": route.name,
        "uid": str(uuid.uuid4()),
        "template": template,
        "language": route.language,
        "subject": text.subject,
        "body": text.body,
        "state": "waiting",
        "attempts": 0,
        "due": at,
        "until": utc_iso(after_s=notice.kept_s),
    }
