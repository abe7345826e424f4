"""The releases of a store: written by whoever looks after one, from whichever machine, as often as it is told.

What an earlier one still writes after another took the release over changes nothing of how it is, and what happened and
was seen is kept once.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select

from muster.base.errors import UsageError
from muster.history.query import stamp
from muster.released.facts import EventFacts, KeptRelease, LookFacts
from muster.released.rows import event_of, event_rows, look_of, look_row, release_of, release_row
from muster.store.opened import Opened
from muster.store.schema import RELEASE_EVENTS, RELEASE_LOOKS, RELEASES

if TYPE_CHECKING:
    from muster.release.record import Release
    from muster.release.returning import Returned

LATEST = "latest"


class NoReleaseError(UsageError):
    """No such release is on record."""


class Releases(Opened):
    """The store's releases. A context manager."""

    def keep(
        self,
        release: Release,
        cluster: str,
        *,
        returned: Returned | None = None,
        looks: Iterable[LookFacts] = (),
    ) -> None:
        """Keep how a release is, what happened to it, and looks; what is kept already is not kept twice.

        `cluster` is what the store calls the cluster, `returned` how its rollback went.

        Raises:
            HistoryError: the store cannot be written.
        """
        with self._told(), self._writing() as connection:
            self._keep(connection, release_row(release, cluster, returned))
            # Writers of one release take turns from here on: each holds its row.
            own = RELEASE_EVENTS.c.release_id == release.id
            known = {
                (at, what)
                for at, what in connection.execute(select(RELEASE_EVENTS.c.at, RELEASE_EVENTS.c.what).where(own))
            }
            if rows := [row for row in event_rows(release) if (row["at"], row["what"]) not in known]:
                connection.execute(insert(RELEASE_EVENTS), rows)
            if rows := [look_row(release.id, look) for look in looks]:
                statement = self._insert(connection, RELEASE_LOOKS).on_conflict_do_nothing()
                connection.execute(statement, rows)

    def _keep(self, connection: Connection, row: dict[str, Any]) -> None:
        statement = self._insert(connection, RELEASES).values(row)
        said = statement.excluded
        changes = {name: said[name] for name in row if name not in ("id", "returned")}
        changes["returned"] = func.coalesce(said.returned, RELEASES.c.returned)
        newer = RELEASES.c.epoch <= said.epoch
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes, where=newer))

    @staticmethod
    def _insert(connection: Connection, table: Any) -> Any:
        return importlib.import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)

    def releases(
        self,
        *,
        system: str | None = None,
        cluster: str | None = None,
        evidence: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[KeptRelease]:
        """The releases that fit, oldest first; None is any. `since` (included) and `until` (excluded) are of their
        beginning.

        Raises:
            HistoryError: the store cannot be read.
        """
        wanted = {"system": system, "cluster": cluster, "evidence": evidence}
        found = [RELEASES.c[name] == value for name, value in wanted.items() if value is not None]
        if since is not None:
            found.append(RELEASES.c.began >= stamp(since))
        if until is not None:
            found.append(RELEASES.c.began < stamp(until))
        statement = select(RELEASES).where(*found).order_by(RELEASES.c.began, RELEASES.c.id)
        with self._reading() as connection:
            return [release_of(dict(row)) for row in connection.execute(statement).mappings()]

    def find(self, identity: str) -> KeptRelease:
        """A release by its id, or the `latest`.

        Raises:
            NoReleaseError: there is none.
            HistoryError: the store cannot be read.
        """
        newest = select(RELEASES).order_by(RELEASES.c.began.desc(), RELEASES.c.id.desc())
        statement = newest if identity == LATEST else newest.where(RELEASES.c.id == identity)
        with self._reading() as connection:
            found = connection.execute(statement.limit(1)).mappings().first()
            if found is not None:
                return release_of(dict(found))
            there = connection.execute(newest.with_only_columns(RELEASES.c.id).limit(5)).scalars().all()
        raise NoReleaseError(f"no release '{identity}' is on record (the latest are: {', '.join(there) or 'none'})")

    def events(self, identity: str) -> list[EventFacts]:
        """What happened to a release, in its order.

        Raises:
            HistoryError: the store cannot be read.
        """
        columns = [RELEASE_EVENTS.c[name] for name in EventFacts.__dataclass_fields__]
        statement = select(*columns).where(RELEASE_EVENTS.c.release_id == identity)
        with self._reading() as connection:
            rows = connection.execute(statement.order_by(RELEASE_EVENTS.c.at, RELEASE_EVENTS.c.id)).mappings()
            return [event_of(dict(row)) for row in rows]

    def looks(self, identity: str) -> list[LookFacts]:
        """What was seen of a release, in its order.

        Raises:
            HistoryError: the store cannot be read.
        """
        statement = select(RELEASE_LOOKS).where(RELEASE_LOOKS.c.release_id == identity).order_by(RELEASE_LOOKS.c.at)
        with self._reading() as connection:
            return [look_of(dict(row)) for row in connection.execute(statement).mappings()]
