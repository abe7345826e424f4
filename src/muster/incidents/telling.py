"""What is done while an incident is open is noted there by whoever does it, without anybody's asking."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muster.base.errors import MusterError
from muster.incidents.book import Book
from muster.store.errors import NoHistoryError


def tell(
    address: str, base: Path, system: str, text: str, *, kind: str, data: Mapping[str, Any] | None = None
) -> list[str]:
    """Note something of every incident of a system that is not resolved; returns why that failed, a sentence, or
    nothing. What was done is done: whoever tells of it must not fail for want of somebody to tell.

    `address` and `base` are those of the store (`muster.store.Opened.open`).
    """
    try:
        with Book.open(address, base) as book:
            for incident in book.incidents(system=system, unresolved=True):
                book.note(incident.id, text, kind=kind, data=data)
    except NoHistoryError:
        pass  # nobody ever opened one here
    except MusterError as error:
        return [f"the open incident was not told of it: {error}"]
    return []
