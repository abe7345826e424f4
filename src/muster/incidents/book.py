"""The incidents of a store: opened, acknowledged, noted of, resolved; never deleted, and never changed afterwards.

Two who act at once do not undo each other's work: what is done twice is done once, and the second one is told.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from muster.base.clock import utc, utc_iso
from muster.base.texts import one_line
from muster.incidents.escalation import Escalation, overdue
from muster.incidents.incident import KINDS, ROLES, Entry, Incident, IncidentError, moment
from muster.incidents.notices import notice_of
from muster.notices import Post
from muster.objectives.severity import severity_targets
from muster.safety.audit import who
from muster.store.opened import Opened
from muster.store.schema import INCIDENT_ENTRIES, INCIDENTS

LONGEST_TITLE, LONGEST_NAME, LONGEST_TEXT = 300, 200, 10_000  # characters
MOST_DATA = 2_000_000  # characters of JSON; a snapshot of a large namespace is cut by its taker


class Book(Opened):
    """The store's incidents. A context manager.

    Attributes:
        post: where it is set, what is done puts notices into the store's outbox, in the same transaction.
        promises: what the system promises in place of muster's own table, by severity; kept with what is opened.
        troubles: what was wrong with a project's own templates meanwhile.
    """

    post: Post | None = None
    promises: Mapping[str, Mapping[str, float]] = MappingProxyType({})

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.troubles: list[str] = []

    def begin(
        self,
        *,
        system: str,
        cluster: str,
        severity: str,
        title: str,
        cause: str | None = None,
        drill: str | None = None,
        began: str | None = None,
        detected: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> tuple[Incident, bool]:
        """Open an incident, and tell whether it is new: one of the same system, cluster and cause that is not resolved
        is gone on with, and what is told of it now is noted there.

        `began` and `detected` are times (UTC, ISO 8601); without them it is detected now, and began then.

        Raises:
            UsageError: there is no such severity.
            IncidentError: it is to have begun after it was detected.
            HistoryError: the store cannot be used.
        """
        severity_targets(severity, self.promises)
        title = _said(title, "the title", LONGEST_TITLE)
        at = utc_iso(timespec="milliseconds")
        if began is not None and moment(began) > moment(detected or at):
            raise IncidentError(f"it cannot have begun at {began}, after it was detected at {detected or at}")
        with self._told(), self._writing() as connection:
            if cause is not None and (known := self._same(connection, system, cluster, cause)) is not None:
                write_entry(connection, known.id, "note", f"seen again: {title}", data)
                return known, False
            detected = detected or at
            incident = Incident(
                id=self._next_id(connection),
                system=system,
                cluster=cluster,
                severity=severity,
                title=title,
                cause=cause,
                drill=drill,
                began=began or detected,
                detected=detected,
                opened=at,
                promises={name: dict(targets) for name, targets in self.promises.items()},
            )
            row = {**asdict(incident), "promises": json.dumps(incident.promises) if incident.promises else None}
            connection.execute(insert(INCIDENTS).values(row))
            write_entry(connection, incident.id, "opened", f"{severity}: {title}", data, at=at)
            if not self._tell(connection, incident):
                write_entry(connection, incident.id, "notice", f"nobody is told: no channel takes a {severity}")
        return incident, True

    def acknowledge(self, identity: str) -> tuple[Incident, bool]:
        """Say that somebody has taken it up, who becomes its technical lead where it has none; and whether nobody had
        said so before.

        Raises:
            IncidentError: there is none, or it is resolved.
            HistoryError: the store cannot be used.
        """
        with self._told(), self._writing() as connection:
            incident = self._open_one(connection, identity)
            if incident.acknowledged:
                return incident, False
            values = {"acknowledged": utc_iso(timespec="milliseconds"), "technical": incident.technical or who()}
            self._change(connection, incident.id, values)
            write_entry(connection, incident.id, "acknowledged", f"taken up by {who()}")
            taken_up = self._one(connection, incident.id)
            self._tell(connection, taken_up)
            return taken_up, True

    def note(self, identity: str, text: str, *, kind: str = "note", data: Mapping[str, Any] | None = None) -> Incident:
        """Note something.

        Raises:
            IncidentError: there is none, or `kind` is none of KINDS.
            HistoryError: the store cannot be used.
        """
        if kind not in KINDS:
            raise IncidentError(f"'{kind}' is no kind of entry (there are: {', '.join(KINDS)})")
        text = _said(text, "the note")
        with self._told(), self._writing() as connection:
            incident = self._one(connection, identity, still_open=True)
            write_entry(connection, incident.id, kind, text, data)
            return incident

    def assign(self, identity: str, role: str, person: str) -> Incident:
        """Give a role to somebody.

        Raises:
            IncidentError: there is no such incident or role, or it is resolved.
            HistoryError: the store cannot be used.
        """
        if role not in ROLES:
            raise IncidentError(f"'{role}' is no role (there are: {', '.join(ROLES)})")
        person = _said(person, "the name", LONGEST_NAME)
        with self._told(), self._writing() as connection:
            incident = self._open_one(connection, identity)
            self._change(connection, incident.id, {role: person})
            write_entry(connection, incident.id, "role", f"{role}: {person}")
            return self._one(connection, incident.id)

    def grade(self, identity: str, severity: str, why: str) -> Incident:
        """Give it another severity.

        Raises:
            IncidentError: there is none, or it is resolved.
            UsageError: there is no such severity.
            HistoryError: the store cannot be used.
        """
        severity_targets(severity)
        why = _said(why, "the reason")
        with self._told(), self._writing() as connection:
            incident = self._open_one(connection, identity)
            if incident.severity == severity:
                raise IncidentError(f"incident {incident.id} is {severity} already")
            self._change(connection, incident.id, {"severity": severity})
            said = f"{incident.severity} becomes {severity}: {why}"
            write_entry(connection, incident.id, "severity", said)
            graded = self._one(connection, incident.id)
            step = f"severity {utc_iso()}"
            self._tell(connection, graded, state="trigger", step=step, further={"regraded": said})
            return graded

    def resolve(self, identity: str, why: str) -> Incident:
        """Say that service is back.

        Raises:
            IncidentError: there is none, or it is resolved already.
            HistoryError: the store cannot be used.
        """
        why = _said(why, "how it was mended")
        with self._told(), self._writing() as connection:
            incident = self._open_one(connection, identity)
            at = utc_iso(timespec="milliseconds")
            # Whoever mended it without a word had taken it up.
            values = {"resolved": at, "acknowledged": incident.acknowledged or at}
            self._change(connection, incident.id, values)
            write_entry(connection, incident.id, "resolved", f"resolved: {why}", at=at)
            resolved = self._one(connection, incident.id)
            self._tell(connection, resolved, further={"why": why})
            return resolved

    def escalate(self, now: datetime, *, system: str | None = None) -> list[tuple[Incident, Escalation]]:
        """Ask whoever is to be asked next of each incident (of a system) whose time has come by `now`, each once: what
        is noted as `escalated` is not asked again. Returns whom, of which incident.

        Raises:
            HistoryError: the store cannot be used.
        """
        asked = []
        for incident in self.incidents(system=system, unresolved=True):
            if not overdue(incident, self.entries(incident.id), now):
                continue
            with self._told(), self._writing() as connection:
                # Read again in the transaction: another may have asked, or resolved it, since.
                current = self._one(connection, incident.id, hold=True)
                for step in overdue(current, self._entries(connection, incident.id), now):
                    said = f"the {step.role} is asked: {step.why}"
                    write_entry(connection, incident.id, "escalated", said, {"step": step.key, "role": step.role})
                    further = {"asked": step.role, "why": step.why}
                    self._tell(connection, current, state="trigger", step=step.key, further=further)
                    asked.append((current, step))
        return asked

    # -- reading

    def find(self, identity: str) -> Incident:
        """The incident of that id, or `latest`: the one that was opened last.

        Raises:
            IncidentError: there is none.
            HistoryError: the store cannot be read.
        """
        with self._reading() as connection:
            return self._one(connection, identity)

    def entries(self, identity: str) -> list[Entry]:
        """What is noted of an incident, the oldest first."""
        with self._reading() as connection:
            return self._entries(connection, identity)

    def incidents(
        self, *, system: str | None = None, cluster: str | None = None, unresolved: bool = False
    ) -> list[Incident]:
        """The incidents, the oldest first: of a system, on a cluster, those that are not resolved."""
        wanted = select(INCIDENTS).order_by(INCIDENTS.c.opened, INCIDENTS.c.id)
        if system is not None:
            wanted = wanted.where(INCIDENTS.c.system == system)
        if cluster is not None:
            wanted = wanted.where(INCIDENTS.c.cluster == cluster)
        if unresolved:
            wanted = wanted.where(INCIDENTS.c.resolved.is_(None))
        with self._reading() as connection:
            return [_incident(row) for row in connection.execute(wanted)]

    # --

    def _tell(
        self,
        connection: Connection,
        incident: Incident,
        *,
        state: str | None = None,
        step: str = "",
        further: Mapping[str, Any] | None = None,
    ) -> bool:
        """Put a notice of an incident into the outbox; whether anybody is to be told, or nobody wanted to be."""
        if self.post is None:
            return True
        put = self.post.put(connection, notice_of(incident, state=state, step=step, further=further))
        self.troubles += put.troubles
        return bool(put.channels) or put.quiet or not put.new

    def _entries(self, connection: Connection, identity: str) -> list[Entry]:
        table = INCIDENT_ENTRIES
        columns = [table.c[name] for name in ("at", "kind", "by", "host", "text", "data")]
        wanted = select(*columns).where(table.c.incident_id == identity).order_by(table.c.at, table.c.id)
        rows = connection.execute(wanted).all()
        return [
            Entry(at, kind, by, host, text, json.loads(data) if data else {}) for at, kind, by, host, text, data in rows
        ]

    def _same(self, connection: Connection, system: str, cluster: str, cause: str) -> Incident | None:
        table = INCIDENTS.c
        wanted = select(INCIDENTS).where(
            table.system == system, table.cluster == cluster, table.cause == cause, table.resolved.is_(None)
        )
        row = connection.execute(wanted).first()
        return None if row is None else _incident(row)

    def _next_id(self, connection: Connection) -> str:
        """Of the day and a number: short enough to be said on the telephone."""
        day = utc().strftime("%Y%m%d")
        count = select(func.count()).select_from(INCIDENTS).where(INCIDENTS.c.id.like(f"{day}-%"))
        return f"{day}-{connection.execute(count).scalar_one() + 1}"

    def _one(self, connection: Connection, identity: str, *, hold: bool = False, still_open: bool = False) -> Incident:
        """An incident by its id; `latest` is the one that was opened last, with `still_open` of those that are open, if
        any is."""
        wanted = select(INCIDENTS).with_for_update() if hold else select(INCIDENTS)
        if identity == "latest":
            first = [INCIDENTS.c.resolved.is_(None).desc()] if still_open else []
            wanted = wanted.order_by(*first, INCIDENTS.c.opened.desc(), INCIDENTS.c.id.desc()).limit(1)
        else:
            wanted = wanted.where(INCIDENTS.c.id == identity)
        row = connection.execute(wanted).first()
        if row is None:
            raise IncidentError(f"there is no incident '{identity}'; right would be one of: muster incident list --all")
        return _incident(row)

    def _open_one(self, connection: Connection, identity: str) -> Incident:
        incident = self._one(connection, identity, still_open=True)
        if incident.resolved and identity == "latest":
            raise IncidentError(f"no incident is open; the latest, {incident.id}, was resolved at {incident.resolved}")
        if incident.resolved:
            raise IncidentError(f"incident {incident.id} was resolved at {incident.resolved}")
        return incident

    def _change(self, connection: Connection, identity: str, values: Mapping[str, Any]) -> None:
        connection.execute(update(INCIDENTS).where(INCIDENTS.c.id == identity).values(**values))


def _said(text: str, what: str, most: int = LONGEST_TEXT) -> str:
    """What a person typed, on one line and fit for every terminal.

    Raises:
        IncidentError: nothing is left of it, or it is too long.
    """
    line = one_line(text)
    if not line:
        raise IncidentError(f"{what} is empty; right would be a few words")
    if len(line) > most:
        raise IncidentError(f"{what} has {len(line)} characters; right would be {most} at most")
    return line


def write_entry(
    connection: Connection,
    identity: str,
    kind: str,
    text: str,
    data: Mapping[str, Any] | None = None,
    *,
    at: str | None = None,
) -> None:
    """Write an entry of an incident, in the transaction that `connection` is in; at the present moment, unless `at`."""
    kept = json.dumps(data, ensure_ascii=False) if data else None
    if kept is not None and len(kept) > MOST_DATA:
        kept = json.dumps({"left_out": f"{len(kept)} characters were too many to keep"})
    connection.execute(
        insert(INCIDENT_ENTRIES).values(
            incident_id=identity,
            at=at or utc_iso(timespec="milliseconds"),
            kind=kind,
            by=who(),
            host=socket.gethostname(),
            text=text,
            data=kept,
        )
    )


def _incident(row: Row[Any]) -> Incident:
    values = row._asdict()
    return Incident(**{**values, "promises": json.loads(values["promises"] or "{}")})
