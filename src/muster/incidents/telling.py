"""What is done while an incident is open is noted there by whoever does it, without anybody's asking: by commands, and
by the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from muster.base.errors import MusterError
from muster.incidents.book import Book, write_entry
from muster.incidents.incident import moment, span
from muster.notices.outbox import SENT, Delivery
from muster.store.errors import NoHistoryError
from muster.store.schema import INCIDENTS

LATE_S = 60.0  # a notice that took longer had to wait for its channel


@dataclass(frozen=True)
class Note:
    """What is to be noted of the incidents of a system on a cluster: a rehearsal elsewhere is none of their story.

    `data` is asked for what machines are to keep only where there is an incident to note it of.
    """

    system: str
    cluster: str
    kind: str
    text: str
    data: Callable[[], Mapping[str, Any]]


def tell(address: str, base: Path, note: Note) -> list[str]:
    """Note something of every incident that it belongs to and that is not resolved; returns why that failed, or
    nothing. What was done is done: whoever tells of it must not fail for want of somebody to tell.

    `address` and `base` are those of the store (`muster.store.Opened.open`).
    """
    try:
        with Book.open(address, base) as book:
            incidents = book.incidents(system=note.system, cluster=note.cluster, unresolved=True)
            data = note.data() if incidents else {}
            for incident in incidents:
                book.note(incident.id, note.text, kind=note.kind, data=data)
    except NoHistoryError:
        pass  # nobody ever opened one here
    except MusterError as error:
        return [f"the open incident was not told of it: {error}"]
    return []


def note_settled(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Note of incidents that somebody was told of them, or could not be: what `muster.notices.deliver` takes for its
    `settled`."""
    for one in deliveries:
        if one.incident is None or one.ended is None or not _is_there(connection, one.incident):
            continue
        if one.state == SENT:
            took_s = (moment(one.ended) - moment(one.at)).total_seconds()
            late = f", only after {span(took_s)}" if took_s > LATE_S else ""
            text = f"{one.channel} was told: {one.subject}{late}"
        else:
            text = f"{one.channel} could NOT be told: {one.subject} ({one.why or 'nobody had its address'})"
        data = {"channel": one.channel, "told": one.told, "state": one.state, "uid": one.uid}
        write_entry(connection, one.incident, "notice", text, data)


def _is_there(connection: Connection, identity: str) -> bool:
    return connection.execute(select(INCIDENTS.c.id).where(INCIDENTS.c.id == identity)).first() is not None
