"""Alerts, where each stands and what was told of it: all that the monitor knows from one look to the next.

It is in the store and nowhere else, and a look changes it in one transaction: whoever is killed in between has either
taken a look in or not, and what is to be told of it is written down with it, to be told by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, insert, select, text, update

from muster.base.clock import utc_iso
from muster.monitor.levels import GOOD, KEPT, decided
from muster.monitor.look import Look, Sighting
from muster.store import Opened
from muster.store.schema import ALERT_CHANGES, ALERTS, ALERTS_TOLD

# Any number that no other program on the same PostgreSQL server takes for its own lock.
ADVISORY_LOCK = 0x616C6572


@dataclass(frozen=True)
class Alert:
    """Something that was seen to be wrong; `severity` is None while that is no alert yet, or not any more.

    `key` is the object, `cause` as incidents name it. `levels` are what the last looks saw, `checks` those that ever
    found it. `began` is the first look that did, `raised` when it became an alert (UTC, ISO 8601).
    """

    key: str
    title: str
    detail: str
    cause: str
    began: str
    levels: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    severity: str | None = None
    raised: str | None = None


@dataclass(frozen=True)
class Change:
    """An alert was raised (`was` is None), has another severity, or is over (`severity` is None). `id` is its own for
    good, `drill` the experiment that was in force."""

    id: int
    key: str
    at: str
    severity: str | None
    was: str | None
    title: str
    detail: str
    cause: str
    drill: str | None

    @property
    def what(self) -> str:
        """`raised`, `changed` or `over`."""
        return "over" if self.severity is None else "raised" if self.was is None else "changed"

    @property
    def incident_cause(self) -> str:
        """The cause of the incident that it is, or belongs to."""
        return self.cause or self.key

    @property
    def text(self) -> str:
        """It in one line."""
        if self.severity is None:
            return f"over: {self.title}"
        return f"{self.severity} {self.title}" + (f" (was {self.was})" if self.was else "")


Within = Callable[[Connection, Change], None]


class Memory(Opened):
    """The alerts of one system on one cluster, in the store. A context manager."""

    system: str
    cluster: str

    def of(self, system: str, cluster: str) -> Memory:
        """Have it be of a system on a cluster."""
        self.system, self.cluster = system, cluster
        return self

    def take(self, look: Look, within: Within | None = None) -> list[Change]:
        """Take a look in, and return what changed by it. `within` is called with each change in the same transaction:
        what it writes is there if the change is.

        Raises:
            HistoryError: the store cannot be used; nothing is taken in.
        """
        with self._told(), self._writing() as connection:
            self._lock(connection)
            changes = list[Change]()
            known = {alert.key: alert for alert in self._alerts(connection)}
            for key in dict.fromkeys((*known, *look.wrong)):
                before = known.get(key)
                after = seen_again(key, before, look)
                if after is None or after == before:
                    continue
                self._keep(connection, before, after)
                was = before.severity if before else None
                if after.severity != was:
                    changes.append(self._change(connection, after, was, look))
            if within is not None:
                for change in changes:
                    within(connection, change)
            return changes

    def alerts(self) -> list[Alert]:
        """Those that are alerts now, the most severe first.

        Raises:
            HistoryError: the store cannot be read.
        """
        with self._reading() as connection:
            found = [alert for alert in self._alerts(connection) if alert.severity is not None]
        return sorted(found, key=lambda alert: (alert.severity or "", alert.raised or "", alert.key))

    def left_since(self, since: str) -> list[Change]:
        """The changes by which alerts ceased to have a severity after `since` (UTC, ISO 8601), the oldest first."""
        wanted = self._of(select(ALERT_CHANGES), ALERT_CHANGES).where(
            ALERT_CHANGES.c.was.is_not(None), ALERT_CHANGES.c.at > since
        )
        with self._reading() as connection:
            return [_change(row) for row in connection.execute(wanted.order_by(ALERT_CHANGES.c.id)).mappings()]

    def untold(self, teller: str) -> list[Change]:
        """The changes that this teller has not told yet, the oldest first."""
        told = select(ALERTS_TOLD.c.change_id).where(ALERTS_TOLD.c.teller == teller)
        wanted = self._of(select(ALERT_CHANGES), ALERT_CHANGES).where(ALERT_CHANGES.c.id.not_in(told))
        with self._reading() as connection:
            return [_change(row) for row in connection.execute(wanted.order_by(ALERT_CHANGES.c.id)).mappings()]

    def tell(self, change: Change, teller: str, said: str) -> None:
        """Note that a teller has told it, and what came of it in one line."""
        with self._told(), self._writing() as connection:
            done = select(ALERTS_TOLD).where(ALERTS_TOLD.c.change_id == change.id, ALERTS_TOLD.c.teller == teller)
            if connection.execute(done).first() is None:
                connection.execute(
                    insert(ALERTS_TOLD).values(change_id=change.id, teller=teller, at=utc_iso(), said=said)
                )

    # --

    def _lock(self, connection: Connection) -> None:
        """Keep another monitor of the same system out; on SQLite the transaction does."""
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})

    def _of(self, wanted: Any, table: Table) -> Any:
        return wanted.where(table.c.system == self.system, table.c.cluster == self.cluster)

    def _alerts(self, connection: Connection) -> list[Alert]:
        return [_alert(row) for row in connection.execute(self._of(select(ALERTS), ALERTS)).mappings()]

    def _keep(self, connection: Connection, before: Alert | None, after: Alert) -> None:
        values = {**asdict(after), "levels": " ".join(after.levels), "checks": " ".join(after.checks)}
        if before is None:
            connection.execute(insert(ALERTS).values(system=self.system, cluster=self.cluster, **values))
        elif after.severity is None and set(after.levels) == {GOOD}:
            connection.execute(self._of(delete(ALERTS), ALERTS).where(ALERTS.c.key == after.key))
        else:
            connection.execute(self._of(update(ALERTS), ALERTS).where(ALERTS.c.key == after.key).values(**values))

    def _change(self, connection: Connection, after: Alert, was: str | None, look: Look) -> Change:
        values: dict[str, Any] = {
            "key": after.key, "at": look.at, "severity": after.severity, "was": was, "title": after.title,
            "detail": after.detail, "cause": after.cause, "drill": look.drill,
        }  # fmt: skip
        wanted = insert(ALERT_CHANGES).values(system=self.system, cluster=self.cluster, **values)
        number: int = connection.execute(wanted.returning(ALERT_CHANGES.c.id)).scalar_one()
        return Change(id=number, **values)


def seen_again(key: str, before: Alert | None, look: Look) -> Alert | None:
    """Where an alert stands after a look, given where it stood; None where there is none."""
    sighting = look.wrong.get(key)
    if sighting is None:
        return None if before is None else _unless_seen(before, look)
    if sighting.explained and (before is None or before.severity is None):
        return before  # what it follows from is told in its place
    fresh = before is None or (before.severity is None and set(before.levels) == {GOOD})
    began = look.at if fresh or before is None else before.began
    checks = tuple(dict.fromkeys((*(before.checks if before else ()), *_names(sighting))))
    alert = Alert(
        key, sighting.title, sighting.detail, sighting.cause, began,
        levels=before.levels if before else (), checks=checks,
        severity=before.severity if before else None, raised=before.raised if before else None,
    )  # fmt: skip
    return _after(alert, sighting.severity, look)


def _unless_seen(before: Alert, look: Look) -> Alert:
    return _after(before, GOOD, look) if look.sees(before.checks) else before


def _after(alert: Alert, level: str, look: Look) -> Alert:
    levels = (*alert.levels, level)[-KEPT:]
    severity = decided(levels, alert.severity)
    raised = None if severity is None else alert.raised or look.at
    return replace(alert, levels=levels, severity=severity, raised=raised)


def _names(sighting: Sighting) -> Iterable[str]:
    return (sighting.check,) if sighting.check else ()


def _alert(row: RowMapping) -> Alert:
    known = {name: row[name] for name in ("key", "title", "detail", "cause", "began", "severity", "raised")}
    return Alert(**known, levels=tuple(row["levels"].split()), checks=tuple(row["checks"].split()))


def _change(row: RowMapping) -> Change:
    names = ("id", "key", "at", "severity", "was", "title", "detail", "cause", "drill")
    return Change(**{name: row[name] for name in names})
