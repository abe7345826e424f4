"""Backups of the system under drill, for drills that lose its data: `with backups() as kept: ...`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from muster.backup import Base, Recipients, Store
from muster.backup.following import Follower
from muster.backup.keys import KEY_VARIABLE, RECIPIENTS_VARIABLE, make_key
from muster.backup.store import STORE_VARIABLE, moment, store_of
from muster.backup.taking import take
from muster.backup.verifying import verify
from muster.base.clock import utc, utc_iso
from muster.base.private import private_directory
from muster.drill.drill import Drill, UnprovableError
from muster.safety import AuditLog


@dataclass(frozen=True)
class KeptBackups:
    """The backups that there are while the block lasts."""

    store: Store

    def require_verified(self) -> Base:
        """The newest backup that was restored once and found whole.

        Raises:
            UnprovableError: there is none; nothing is to be injected, and the verdict is unknown.
        """
        bases = self.store.bases()
        for base in reversed(bases):
            if (found := self.store.verification(base)) and found.ok:
                return base
        newest = self.store.verification(bases[-1]) if bases else None
        why = f"the newest one is not whole: {newest.why}" if newest else "none was ever restored and counted"
        raise UnprovableError(
            f"no backup of {self.store.system} was ever verified ({why}), nothing was injected; "
            "right would be 'muster backup verify'"
        )


class BackupsView:
    """The backups of the system under drill.

    Where somebody ships to the store that system.yaml or the environment names (`muster backup follow`), theirs are
    used. Else they are taken, verified and shipped as long as the block lasts: on the embedded cluster into a store of
    the drill's own, which goes with it.
    """

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    @contextmanager
    def __call__(self, every_s: float = 2.0) -> Iterator[KeptBackups]:
        """Have backups kept, shipped every `every_s` seconds.

        Raises:
            UsageError: on a cluster of one's own no store or no recipient is named.
            BackupError, ClusterError: no backup can be taken.
        """
        drill = self._drill
        with ExitStack() as stack:
            if drill.state.cluster.embedded and STORE_VARIABLE not in os.environ:
                stack.enter_context(_own_store(stack.enter_context(private_directory())))
            store = store_of(drill.state.definition)
            if not _is_followed(store, drill.state.definition.backup.every_s):
                stack.enter_context(self._following(store, every_s))
            yield KeptBackups(store)

    @contextmanager
    def _following(self, store: Store, every_s: float) -> Iterator[None]:
        cluster, system = self._drill.state.cluster, self._drill.state.definition
        recipients = Recipients.named(system.backup.recipients)
        base = take(cluster, system, store, recipients, audit=self._audit, say=self._say)
        self.verify(store, base)
        follower = Follower(cluster, system, store, recipients, audit=self._audit, say=self._say)
        follower.turn()
        ending = threading.Event()
        worker = threading.Thread(target=follower.follow, args=(every_s, ending), daemon=True)
        worker.start()
        try:
            yield
        finally:
            ending.set()
            worker.join(timeout=30)

    def verify(self, store: Store, base: Base) -> None:
        """Restore the backup that was taken into a scratch instance, and keep in the store how that went."""
        state = self._drill.state
        verify(state.cluster, state.definition, store, base, key=None, audit=self._audit, say=self._say)

    @property
    def _audit(self) -> AuditLog:
        return self._drill.operated({}).audit

    def _say(self, line: str) -> None:
        with (self._drill.directory / "backups.log").open("a", encoding="utf-8") as file:
            file.write(f"{utc_iso()} {line}\n")


@contextmanager
def _own_store(directory: Path) -> Iterator[None]:
    """A store and a key for this block; the procedure that restores finds them as an operator's does."""
    recipient = make_key(directory / "key")
    given = {
        STORE_VARIABLE: str(directory / "store"),
        KEY_VARIABLE: str(directory / "key"),
        RECIPIENTS_VARIABLE: recipient,
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _is_followed(store: Store, every_s: float) -> bool:
    """Whether somebody ships to the store: its newest piece is not older than two turns."""
    told = [one.until for one in store.segments() if one.until]
    return bool(told) and (utc() - moment(max(told, key=moment))).total_seconds() < 2 * every_s
