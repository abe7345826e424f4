"""What a timeline says of a ledger's writes: which are to be looked for, which may be removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from muster.base.timeline import Event, Tail, TimelineError
from muster.probes.ledger.store import Entry

CLEANED = "cleaned"


@dataclass
class Ledger:
    """The writes that may be there (none that were certainly not made), in order, and what was found of each last."""

    writes: list[Event] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)


def written(timeline: Path) -> Ledger:
    """The ledger of a timeline. What was there when writes were removed is closed, and no part of it any more.

    Raises:
        TimelineError: the timeline cannot be read.
    """
    if not timeline.exists():
        raise TimelineError(f"timeline {timeline} cannot be read: there is no such file")
    ledger = Ledger()
    for event in Tail(timeline).read():
        if event["kind"] == CLEANED:
            ledger = Ledger()
        elif event["kind"] == "write" and event["outcome"] != "refused":
            ledger.writes.append(event)
        elif event["kind"] == "readback":
            ledger.found[event["id"]] = event["found"]
    return ledger


def entry_of(write: Event) -> Entry:
    return Entry(write["id"], write.get("key"))


def prefixes(writes: Iterable[Event]) -> list[str]:
    """What the ids of each prober's writes begin with, sorted."""
    return sorted({write["id"].rpartition("-")[0] + "-" for write in writes})
