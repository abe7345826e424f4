"""One write through the service, read back: whether what clients do works at this moment."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace

from muster.probes.http.exchange import Answer
from muster.probes.ledger.found import judged_read_back
from muster.probes.ledger.store import MARK, Entry, Store
from muster.probes.ledger.stores import open_store
from muster.system.definition import LedgerSpec, SystemDefinition


@dataclass(frozen=True)
class Trip:
    """What became of one write: the answer as `write_once` tells it, whether it was removed again, and what is left
    behind with the reason, a phrase, where that failed."""

    answer: Answer
    removed: bool = False
    left: str = ""


def write_once(url: str, system: SystemDefinition) -> Answer:
    """Write something under an id of its own and read it back, each within the ledger's limit; then remove it again,
    where the system allows.

    The answer's outcome is ok only where the write was acknowledged and found as it was written; else its `why` says in
    one line what came instead.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP, or the ledger's class cannot be used.
        OwnLimitError: this process has no connections left.
    """
    trip = round_trip(url, system, anyway=True)
    assert trip is not None, "it is written in any case"
    return trip.answer


def round_trip(url: str, system: SystemDefinition, *, anyway: bool = False) -> Trip | None:
    """The same, with what became of the write; None, and nothing is written, where it could not be removed again,
    unless it is to be written `anyway`.

    Raises:
        UsageError, OwnLimitError: as for `write_once`.
    """
    identity, content = f"{MARK}check-{secrets.token_hex(8)}", secrets.token_hex(16)
    return asyncio.run(_write(url, system, identity, content, anyway=anyway))


async def _write(url: str, system: SystemDefinition, identity: str, content: str, *, anyway: bool) -> Trip | None:
    limit_s = system.require_ledger().limit_s
    async with open_store(system, url) as (store, _):
        if not store.removes and not anyway:
            return None
        made = await store.write(identity, content, kept=False, limit_s=limit_s)
        if made.certainty != "acknowledged":
            left = "" if made.certainty == "refused" or anyway else await _perhaps_removed(store, system, identity)
            return Trip(replace(made.answer, why=f"writing: {made.answer.why}"), left=left)
        entry = Entry(identity, made.key)
        found = await store.read(entry, kept=False, limit_s=limit_s)
        answer = judged_read_back(content, found)
        if entry.key is not None and found.contents != [content]:
            return Trip(answer, left=f"{identity} (not found under the service's id {entry.key})")
        left = await _removed(store, entry, limit_s)
        return Trip(answer, removed=store.removes and not left, left=left)


async def _perhaps_removed(store: Store, system: SystemDefinition, identity: str) -> str:
    """Remove what was perhaps written; as `_removed`."""
    ledger = system.require_ledger()
    if isinstance(ledger, LedgerSpec) and ledger.key is not None:
        return f"{identity} (the service never told what it calls it, should it be there)"
    return await _removed(store, Entry(identity), ledger.limit_s)


async def _removed(store: Store, entry: Entry, limit_s: float) -> str:
    """Remove a write, where that can be; in a phrase what stays and why, empty where nothing does."""
    if not store.removes:
        return ""
    why = await store.remove(entry, limit_s=limit_s)  # what is left is marked, and no finding about the service
    return f"{entry.id} ({why})" if why else ""
