"""After a recovery: is everything still there that was acknowledged?"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from muster.base.clock import now
from muster.base.errors import MusterError, first_of
from muster.base.event_buffer import EventBuffer
from muster.base.timeline import Event, Timeline
from muster.probes.http.exchange import Exchange
from muster.probes.http.outcomes import OwnLimitError
from muster.probes.ledger.listing import Listed, Listing
from muster.probes.ledger.pace import Pace
from muster.probes.ledger.store import Entry, Seen, Store, digest
from muster.probes.ledger.stores import open_store
from muster.probes.ledger.written import entry_of, prefixes, written
from muster.system.definition import LedgerSpec, SystemDefinition

Found = Literal["same", "altered", "lost", "duplicated", "unread"]
_UNREAD: Found = "unread"
LOST = ("lost", "altered")  # which a second look may contradict

AT_ONCE = 16
AGAIN_AFTER_S = 0.5  # what was gone or altered is looked for once more, so that it is known whether it stays so
RETRY_AFTER_S, RETRY_MOST_S = 0.1, 2.0


@dataclass
class ReadBack:
    """What was found of a ledger's writes. Lists hold ids, in the order of writing; indeterminate writes that are not
    there are none of them, since nobody was told that they would be."""

    acknowledged: Counter[Found] = field(default_factory=Counter)
    indeterminate: Counter[Found] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def add(self, write: Event, found: Found) -> None:
        promised = write["outcome"] == "acknowledged"
        (self.acknowledged if promised else self.indeterminate)[found] += 1
        lists = {"lost": self.lost, "altered": self.altered, "duplicated": self.duplicated, "unread": self.unread}
        if promised and found in lists:
            lists[found].append(write["id"])


def read_back(
    system: SystemDefinition, url: str, timeline: Path, *, within_s: float = 10.0, rate: float = 200.0
) -> ReadBack:
    """Look for every write on the timeline that was acknowledged or is indeterminate, and append what was found.

    Where the service lists its writes the list is read first, and then only what it does not show just once and as it
    was written is looked for one by one. Asks at most `rate` times a second in all, and less while nothing answers, so
    that the check is no overload of its own. A violation is no finding: it is asked again until `within_s` seconds
    after the last write's turn came; what then has no answer is `unread`. Each look that finds something is told, and
    the worst counts: what was gone once was gone for whoever asked then. Call it when no prober writes any more.

    Raises:
        TimelineError: the timeline cannot be read or written.
        UsageError: the URL is none, or the class of the ledger cannot be used.
    """
    writes = written(timeline).writes
    with Timeline(timeline) as target:
        try:
            return asyncio.run(_read_back(system, url, writes, EventBuffer(target), within_s=within_s, rate=rate))
        except BaseExceptionGroup as group:
            error = first_of(group)
            if isinstance(error, (MusterError, OwnLimitError)):
                raise error from None
            raise


async def _read_back(
    system: SystemDefinition, url: str, writes: list[Event], events: EventBuffer, *, within_s: float, rate: float
) -> ReadBack:
    result = ReadBack()
    async with open_store(system, url) as (store, exchange):
        shown, spec = dict[str, tuple[Found, str]](), system.ledger
        if isinstance(spec, LedgerSpec) and spec.list is not None and writes:
            listed = await _list(spec, exchange, writes, deadline=now() + within_s, rate=rate)
            shown = {write["id"]: found for write in writes if (found := listed_as(spec, write, listed))}
        looking = _Looking(system, store, events, rate)
        left = [write for write in writes if write["id"] not in shown]
        for write in writes:
            if found := shown.get(write["id"]):
                looking.tell(write, found)
                result.add(write, found[0])
        for write, one in zip(left, await looking.look_for_all(left, within_s), strict=True):
            result.add(write, one)
    events.flush()
    return result


async def _list(spec: LedgerSpec, exchange: Exchange, writes: list[Event], *, deadline: float, rate: float) -> Listed:
    entries = [entry_of(write) for write in writes]
    listing = Listing(spec, exchange, rate=rate, deadline=deadline)
    ids, digests = {entry.key or entry.id for entry in entries}, {write["digest"] for write in writes}
    return await listing.read(prefixes(writes), ids, digests)


def listed_as(spec: LedgerSpec, write: Event, listed: Listed) -> tuple[Found, str] | None:
    """What a list says of a write, and one line on it; None where it proves nothing."""
    assert spec.list is not None
    entry, asked = entry_of(write), f"{spec.list.request.method} {spec.list.request.path}"
    name = entry.id if spec.key is None else entry.key  # None where only the service knows what it calls it
    items = listed.of(name, write["digest"])
    pages = [item.page for item in items]
    if len({item.identity for item in items}) > 1 or len(set(pages)) < len(pages):
        return "duplicated", f"{asked} holds it {len(items)} times"
    if len(items) == 1 and items[0].digest == write["digest"] and name in (items[0].identity, None):
        return "same", ""
    if name is None:  # it cannot be asked for, and nobody was told that it is there
        certain = not items and not listed.why
        return ("lost", f"{asked} lacks it") if certain else ("unread", listed.why or f"{asked} shows it unclearly")
    return None


class _Looking:
    """The search for the writes of one ledger, one by one."""

    def __init__(self, system: SystemDefinition, store: Store, events: EventBuffer, rate: float) -> None:
        self._system = system
        self._store = store
        self._events = events
        self._rate = rate
        self._pace = Pace(rate)
        self._deadline = 0.0
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look_for_all(self, writes: list[Event], within_s: float) -> list[Found]:
        """What was found of each."""
        tasks = []
        self._deadline = now() + within_s + len(writes) / self._rate
        async with asyncio.TaskGroup() as group:
            for write in writes:
                if now() < self._deadline:
                    await self._pace.turn()
                tasks.append(group.create_task(self._look_for(write)))
        return [task.result() for task in tasks]

    def tell(self, write: Event, found: tuple[Found, str]) -> None:
        self._events.add("readback", id=write["id"], found=found[0], why=found[1])

    async def _look_for(self, write: Event) -> Found:
        """The worst that was seen of a write whose first turn has come; each look that found anything is told."""
        entry, spec = entry_of(write), self._system.require_ledger()
        if isinstance(spec, LedgerSpec) and spec.key is not None and entry.key is None:
            self.tell(write, ("unread", "the service never told what it calls it"))
            return "unread"
        first = await self._until_found(write, entry)
        if first not in LOST:
            return first
        await asyncio.sleep(AGAIN_AFTER_S)
        if now() < self._deadline:
            await self._pace.turn()
            await self._until_found(write, entry)
        return first

    async def _until_found(self, write: Event, entry: Entry) -> Found:
        """Ask until an answer says something, or there is no more time, and tell what it was."""
        pause, found, why = RETRY_AFTER_S, _UNREAD, "there was no time to look for it"
        if now() < self._deadline:
            found, why = classify(write, await self._ask(entry))
        while found == "unread" and now() + pause < self._deadline:
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY_MOST_S)
            await self._pace.turn()
            found, why = classify(write, await self._ask(entry))
        self.tell(write, (found, why))
        return found

    async def _ask(self, entry: Entry) -> Seen:
        async with self._places:
            seen = await self._store.read(entry, kept=True, limit_s=self._system.require_ledger().limit_s)
        self._pace.heard(answered=seen.contents is not None)
        return seen


def classify(write: Event, seen: Seen) -> tuple[Found, str]:
    """What one look says of a write, and one line on it."""
    if seen.contents is None:
        return "unread", seen.why
    if len(seen.contents) != 1:
        return ("duplicated" if seen.contents else "lost"), seen.why
    content = seen.contents[0]
    same = isinstance(content, str) and digest(content) == write["digest"]
    return ("same", "") if same else ("altered", f"{seen.why}, but with another content")
