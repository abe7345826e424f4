"""A backup before the release: what a new version may spoil can be brought back as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from muster.backup import Base, Recipients, Store
from muster.backup.keys import KEY_VARIABLE
from muster.backup.store import moment, store_of
from muster.backup.taking import take
from muster.backup.verifying import verify
from muster.base.clock import utc
from muster.base.errors import RefusedError, UsageError
from muster.release.work import Releasing
from muster.safety import AuditLog
from muster.safety.rights import EXEC, Right, rights
from muster.steps import Step
from muster.system import SystemDefinition

TAKES = rights("list", "Pod") | EXEC
VERIFIES = rights("get", "StatefulSet") | rights("get create delete", "Pod")


def needs_of_backup(system: SystemDefinition) -> frozenset[Right]:
    """The rights that the backup before a release takes; none where none is taken."""
    if not system.release.backup or system.streaming is None:
        return frozenset()
    try:
        store_of(system)
    except UsageError:
        return frozenset()
    return TAKES | VERIFIES if os.environ.get(KEY_VARIABLE) else TAKES


@dataclass(frozen=True)
class BackingUp:
    """The backup of one release. One that changes the database does not begin without a verified one."""

    work: Releasing
    audit: AuditLog

    def steps(self) -> Iterator[Step]:
        """Take a backup and verify it, where system.yaml has what that takes."""
        system = self.work.system
        if not system.release.backup or system.streaming is None:
            return
        try:
            store = store_of(system)
        except UsageError as error:
            why = str(error)
            yield Step("pre: back up", lambda: True, lambda: self._without(why), lambda: True, acts=False)
            return
        # It changes nothing of the system and may take long: no recovery is kept waiting for it.
        yield Step("pre: back up", lambda: True, lambda: self._take(store), lambda: True, acts=False)

    def _without(self, why: str) -> str:
        """Go on without a backup, unless the release changes the database.

        Raises:
            RefusedError: it does.
        """
        if self.work.contents.migration is not None:
            raise RefusedError(
                f"refused: the release changes the database, and none is backed up: {why}; right would be a store, or "
                "release.backup: false in system.yaml"
            )
        return f"no backup: {why}"

    def _take(self, store: Store) -> str:
        """Take one, unless one was taken for this release already, and verify it; whoever goes on with the release
        does what is left of that.

        Raises:
            RefusedError: it is not whole.
            BackupError, UsageError, ClusterError: it cannot be taken, or nothing can be told of it.
        """
        system, cluster, book = self.work.system, self.work.cluster.unobserved(), self.work.book
        base = next((one for one in store.bases() if one.id == book.release.backup), None)
        if base is None:
            recipients = Recipients.named(system.backup.recipients)
            book.tell("takes a backup first")
            base = take(cluster, system, store, recipients, audit=self.audit, say=lambda _: None)
            book.put(backup=base.id)
        if not os.environ.get(KEY_VARIABLE):
            return f"took backup {base.id}, which cannot be verified here (no {KEY_VARIABLE}); {self._relied_on(store)}"
        if not self._is_whole(store, base):
            seen = verify(cluster, system, store, base, key=None, audit=self.audit, say=lambda _: None)
            if not seen.ok:
                raise RefusedError(f"refused: backup {base.id} was taken and is not whole: {seen.why}")
        return f"took backup {base.id}, and restored it once to see that it is whole"

    def _relied_on(self, store: Store) -> str:
        """The newest backup that was verified, where it is young enough.

        Raises:
            RefusedError: there is none, and the release changes the database.
        """
        young = utc() - timedelta(seconds=self.work.system.backup.base_every_s)
        found = next((base for base in reversed(store.bases()) if self._is_whole(store, base)), None)
        if found is not None and moment(found.ended) >= young:
            return f"the newest that was verified is {found.id}"
        if self.work.contents.migration is not None:
            raise RefusedError(
                f"refused: the release changes the database, and no backup of {store.system} was verified lately; "
                f"right would be 'muster backup verify', or {KEY_VARIABLE} in the environment"
            )
        return "none was verified lately"

    def _is_whole(self, store: Store, base: Base) -> bool:
        seen = store.verification(base)
        return seen is not None and seen.ok
