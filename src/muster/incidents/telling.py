"""What is done while an incident is open is noted there by whoever does it, without anybody's asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster.base.errors import MusterError
from muster.incidents.book import Book
from muster.store.errors import NoHistoryError


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
