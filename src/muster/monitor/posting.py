"""Changes as notices: put into the outbox in the transaction that takes a look in, so that each is there once.

An alert of P1 or P2 is an incident, and the incident tells of it; here is told what else changes.
"""

from __future__ import annotations

from sqlalchemy import Connection

from muster.monitor.memory import Change, Within
from muster.monitor.telling import OPENS
from muster.notices import Notice, Post


def notice_of(change: Change, system: str, cluster: str) -> Notice | None:
    """What is told of a change, or None where the incident tells it."""
    if change.severity in OPENS:
        return None
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
        step="" if over or change.was is None else str(change.severity),
    )


def _further(change: Change) -> dict[str, str]:
    further = {"cause": change.cause} if change.cause else {}
    return further | ({"regraded": f"it was {change.was}"} if change.what == "changed" else {})


def putting(post: Post, system: str, cluster: str) -> Within:
    """What puts the notice of each change into the outbox."""

    def put(connection: Connection, change: Change) -> None:
        notice = notice_of(change, system, cluster)
        if notice is not None:
            post.put(connection, notice)

    return put
