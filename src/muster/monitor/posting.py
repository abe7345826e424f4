"""Changes as notices: put into the outbox in the transaction that takes a look in, so that each is there once.

An alert of P1 or P2 is an incident, and the incident that is opened, or graded, for it tells of it; here is told what
else changes: lesser alerts, those that come while an incident of the same cause is open, and that one is over.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from muster.monitor.memory import Change, Within
from muster.monitor.telling import OPENS
from muster.notices import Notice, Post
from muster.store.schema import INCIDENTS


def notice_of(change: Change, system: str, cluster: str, incident: str | None = None) -> Notice:
    """What is told of a change; `incident` is the one that it belongs to."""
    over = change.severity is None
    return Notice(
        key=f"monitor/{system}/{cluster}/{change.key}"[:255],
        state="resolve" if over else "trigger",
        severity=change.severity or change.was or "P4",
        system=system,
        cluster=cluster,
        title=change.title,
        source="monitor",
        fields={"detected": change.at, **_further(change)},
        drill=change.drill,
        incident=incident,
        step="" if over or change.was is None else str(change.severity),
    )


def _further(change: Change) -> dict[str, str]:
    further = {"cause": change.cause} if change.cause else {}
    return further | ({"regraded": f"it was {change.was}"} if change.what == "changed" else {})


def putting(post: Post, system: str, cluster: str) -> Within:
    """What puts the notice of each change into the outbox."""

    def put(connection: Connection, change: Change) -> None:
        if change.severity not in OPENS:
            post.put(connection, notice_of(change, system, cluster))
        elif (incident := _open_as_severe(connection, change, system, cluster)) is not None:
            post.put(connection, notice_of(change, system, cluster, incident))

    return put


def _open_as_severe(connection: Connection, change: Change, system: str, cluster: str) -> str | None:
    """The incident of the same cause that is open and need not be graded up for it: nothing else would be told."""
    table = INCIDENTS.c
    wanted = select(table.id).where(
        table.system == system,
        table.cluster == cluster,
        table.cause == change.incident_cause,
        table.resolved.is_(None),
        table.severity <= change.severity,
    )
    return connection.execute(wanted).scalars().first()
