"""Following a system: ship what it writes, turn after turn, and take a base where one is due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from muster.backup.errors import BackupError
from muster.backup.keys import Recipients
from muster.backup.server import primary
from muster.backup.shipping import Shipper
from muster.backup.store import Base, Store, moment
from muster.backup.taking import take
from muster.base.clock import utc
from muster.base.errors import MusterError
from muster.kube import Cluster
from muster.safety.audit import AuditLog
from muster.system import SystemDefinition


def check_same(bases: Sequence[Base], system_identifier: str) -> None:
    """Let pass the database that the newest backup is of, or any where there is none.

    One that was lost and began anew, empty, is another. Were it followed, the newest backup would soon be an empty one.

    Raises:
        BackupError: it is another.
    """
    if bases and bases[-1].system_identifier != system_identifier:
        raise BackupError(
            f"this is another database (system identifier {system_identifier}) than the newest backup {bases[-1].id} "
            f"is of ({bases[-1].system_identifier}), so it is not followed: if that one was lost, run 'muster restore' "
            "first; if another is meant, take the first backup of it yourself: muster backup"
        )


class Follower:
    """Follows one system into its store."""

    def __init__(
        self,
        cluster: Cluster,
        system: SystemDefinition,
        store: Store,
        recipients: Recipients,
        *,
        audit: AuditLog,
        say: Callable[[str], object],
    ) -> None:
        self._cluster, self._system, self._store, self._recipients = cluster, system, store, recipients
        self._audit, self._say = audit, say
        self._shipper = Shipper(cluster, system, store, recipients)

    def turn(self) -> None:
        """Ship, and take a base where there is none, where the newest is too old, or where a gap made it useless.

        Raises:
            MusterError: it could not; the next turn goes on from there.
        """
        check_same(self._store.bases(), primary(self._cluster, self._system).about().system_identifier)
        shipped = self._shipper.turn()
        self._say(f"shipped {len(shipped.segments)} segments: the archive leads to {shipped.until}")
        if shipped.gap:
            self._say("the archive has a gap: what was written meanwhile was gone before it could be shipped")
        if shipped.gap or self._is_due():
            base = take(self._cluster, self._system, self._store, self._recipients, audit=self._audit, say=self._say)
            self._say(f"backup {base.id} taken")

    def follow(self, every_s: float, ending: threading.Event) -> None:
        """Take turns until `ending`. What goes wrong is told when it begins and when it ends, and tried again."""
        trouble = ""
        while not ending.is_set():
            try:
                self.turn()
                if trouble:
                    self._say("well again")
                trouble = ""
            except MusterError as error:
                if str(error) != trouble:
                    self._say(f"nothing shipped: {error}")
                trouble = str(error)
            ending.wait(every_s)

    def _is_due(self) -> bool:
        bases = self._store.bases()
        if not bases:
            return True
        newest = bases[-1]
        same = [one for one in self._store.segments() if one.system_identifier == newest.system_identifier]
        if any(one.gap and moment(one.at) > moment(newest.ended) for one in same):
            return True  # an earlier turn shipped behind a gap, and then no base was to be had
        return (utc() - moment(newest.ended)).total_seconds() >= self._system.backup.base_every_s
