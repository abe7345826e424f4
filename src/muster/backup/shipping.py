"""Shipping what is written: segments of the write-ahead log, as soon as they are whole, into the archive.

Nothing is set up in the database, and nothing there waits for it: a shipper that is away costs no disk. Where it was
away for longer than the server keeps its log (`wal_keep_size`), there is a gap; the archive says so, and what comes
after it is of use only with a base that was taken after it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from muster.backup.keys import Recipients
from muster.backup.segments import HISTORY, SEGMENT, to_ship
from muster.backup.server import Server, primary
from muster.backup.store import Segment, Store
from muster.backup.taking import keep
from muster.base.clock import utc_iso
from muster.kube import Cluster
from muster.system import SystemDefinition


@dataclass(frozen=True)
class Shipped:
    """What one turn shipped; `until` is the moment up to which everything that was committed is in the archive."""

    segments: tuple[Segment, ...]
    until: str
    gap: bool


class Shipper:
    """Ships a system's log, turn after turn."""

    def __init__(self, cluster: Cluster, system: SystemDefinition, store: Store, recipients: Recipients) -> None:
        self._cluster, self._system, self._store, self._recipients = cluster, system, store, recipients
        self._mark = secrets.token_hex(4)  # of files that are being written: two shippers are none in each other's way

    def turn(self) -> Shipped:
        """End the segment that is being written, and ship all that are whole and were not shipped yet.

        Raises:
            BackupError, ClusterError, RefusedError: it could not; what was shipped before stays, and the next turn goes
                on from there.
        """
        server = primary(self._cluster, self._system)
        about = server.about()
        until = server.mark()
        server.turn()
        current, present = server.writing(), server.present()
        shipped = self._store.segments()
        same = [one for one in shipped if one.system_identifier == about.system_identifier]
        before = [one.name for one in same if SEGMENT.fullmatch(one.name)]
        names, gap = to_ship(present, current, before, about.segment_bytes)
        gap = gap or bool(shipped and not same)  # another database altogether: what is there does not lead to it
        known = {one.name for one in same}
        # A timeline's history comes before its segments: without it a restore would not know to follow them.
        histories = [name for name in sorted(present) if HISTORY.fullmatch(name) and name not in known]
        done = [self._ship(server, name, about.system_identifier) for name in histories]
        for name in names:
            moment = until if name == names[-1] else ""
            done.append(self._ship(server, name, about.system_identifier, until=moment, gap=gap and name == names[0]))
        return Shipped(tuple(done), until, gap)

    def _ship(self, server: Server, name: str, identifier: str, *, until: str = "", gap: bool = False) -> Segment:
        waiting = self._store.segment_path(name).with_name(f".{name}.{self._mark}")
        try:
            with server.segment(name) as source:
                stored = keep(source, waiting, self._recipients)
            segment = Segment(
                name=name,
                at=utc_iso(),
                until=until,
                sha256=stored.sha256,
                bytes=stored.bytes,
                plain_bytes=stored.plain_bytes,
                system_identifier=identifier,
                gap=gap,
                history=server.history(name) if HISTORY.fullmatch(name) else "",
            )
            self._store.ship(segment, waiting)
        finally:
            waiting.unlink(missing_ok=True)
        return segment
