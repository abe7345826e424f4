"""After everything is judged: removing what the prober wrote, and nothing else.

Removed is what stands on the timeline's ledger. Where the service gives its own ids, only what was found there with the
content that was written: an id that somebody else's document has would otherwise cost them that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from muster.base.clock import now
from muster.base.errors import MusterError, first_of
from muster.base.timeline import Event, Timeline
from muster.probes.http.outcomes import OwnLimitError
from muster.probes.ledger.pace import Pace
from muster.probes.ledger.store import MARK, Entry, Store
from muster.probes.ledger.stores import open_store
from muster.probes.ledger.written import CLEANED, Ledger, entry_of, written
from muster.system.definition import LedgerSpec, SystemDefinition

AT_ONCE = 8
TRIES = 3
RETRY_AFTER_S = 0.2


@dataclass
class Cleaned:
    """How many writes were removed, how many are left, and why the first of those is (empty if none is)."""

    removed: int = 0
    left: int = 0
    why: str = ""

    def leave(self, why: str, *, count: int = 1) -> None:
        self.left += count
        self.why = self.why or why


def clean_up(
    system: SystemDefinition, url: str, timeline: Path, *, within_s: float = 10.0, rate: float = 200.0
) -> Cleaned | None:
    """Remove the writes of a timeline's ledger, and tell there what became of them. None where there is no way to.

    Asks at most `rate` times a second, and no more once `within_s` seconds have passed after the last write's turn.
    Call it after `read_back` and after `judged` is on the timeline, so that it can change no verdict. It raises for
    nothing that the service or the ledger's class does: what is left is told.

    Raises:
        TimelineError: the timeline cannot be read or written.
    """
    if system.ledger is None or (isinstance(system.ledger, LedgerSpec) and system.ledger.delete is None):
        return None
    ledger = written(timeline)
    if not ledger.writes:
        return None
    try:
        cleaned = asyncio.run(_clean_up(system, url, ledger, within_s=within_s, rate=rate))
    except (MusterError, OwnLimitError) as error:
        cleaned = Cleaned(0, len(ledger.writes), str(error))
    except BaseExceptionGroup as group:
        if group.split((MusterError, OwnLimitError))[1] is not None:
            raise
        cleaned = Cleaned(0, len(ledger.writes), str(first_of(group)))
    if cleaned is not None:
        with Timeline(timeline) as target:
            target.append(CLEANED, removed=cleaned.removed, left=cleaned.left, why=cleaned.why)
    return cleaned


async def _clean_up(
    system: SystemDefinition, url: str, ledger: Ledger, *, within_s: float, rate: float
) -> Cleaned | None:
    async with open_store(system, url) as (store, _):
        if not store.removes:
            return None
        cleaned, entries = Cleaned(), []
        for write in ledger.writes:
            if trouble := _foreign(system, write, ledger):
                cleaned.leave(trouble)
            else:
                entries.append(entry_of(write))
        cleaning = _Cleaning(store, cleaned, limit_s=system.require_ledger().limit_s)
        await cleaning.remove_all(entries, within_s=within_s, rate=rate)
        return cleaned


def _foreign(system: SystemDefinition, write: Event, ledger: Ledger) -> str:
    """Why a write must not be removed; empty where it is certainly ours."""
    entry = entry_of(write)
    if not entry.id.startswith(MARK):
        return f"'{entry.id}' is no id of muster's"
    if not isinstance(system.ledger, LedgerSpec) or system.ledger.key is None:
        return ""
    if entry.key is None:
        return f"the service never told what it calls {entry.id}"
    if ledger.found.get(entry.id) != "same":
        return f"{entry.id} was not found as it was written under the service's id {entry.key}"
    return ""


class _Cleaning:
    """The removal of entries from one store."""

    def __init__(self, store: Store, cleaned: Cleaned, *, limit_s: float) -> None:
        self._store = store
        self._cleaned = cleaned
        self._limit_s = limit_s
        self._places = asyncio.Semaphore(AT_ONCE)

    async def remove_all(self, entries: list[Entry], *, within_s: float, rate: float) -> None:
        pace, deadline = Pace(rate), now() + within_s + len(entries) / rate
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                await pace.turn()
                group.create_task(self._remove(entry, deadline, pace))

    async def _remove(self, entry: Entry, deadline: float, pace: Pace) -> None:
        """Remove one entry whose first turn has come."""
        why = "there was no time to remove it"
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(RETRY_AFTER_S * attempt)
                await pace.turn()
            async with self._places:
                if now() >= deadline:
                    break
                why = await self._store.remove(entry, limit_s=self._limit_s)
            pace.heard(answered=not why)
            if not why:
                self._cleaned.removed += 1
                return
        self._cleaned.leave(f"{entry.id}: {why}")
