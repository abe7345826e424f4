"""One write through the service, read back: whether what clients do works at this moment."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

from muster.probes.http.exchange import Answer
from muster.probes.ledger.found import judged_read_back
from muster.probes.ledger.store import MARK, Entry
from muster.probes.ledger.stores import open_store
from muster.system.definition import SystemDefinition


def write_once(url: str, system: SystemDefinition) -> Answer:
    """Write something under an id of its own and read it back, each within the ledger's limit; then remove it again,
    where the system allows.

    The answer's outcome is ok only where the write was acknowledged and found as it was written; else its `why` says in
    one line what came instead.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP, or the ledger's class cannot be used.
        OwnLimitError: this process has no connections left.
    """
    return asyncio.run(_write(url, system, f"{MARK}check-{secrets.token_hex(8)}", secrets.token_hex(16)))


async def _write(url: str, system: SystemDefinition, identity: str, content: str) -> Answer:
    limit_s = system.require_ledger().limit_s
    async with open_store(system, url) as (store, _):
        made = await store.write(identity, content, kept=False, limit_s=limit_s)
        if made.certainty != "acknowledged":
            return replace(made.answer, why=f"writing: {made.answer.why}")
        entry = Entry(identity, made.key)
        found = await store.read(entry, kept=False, limit_s=limit_s)
        if store.removes and found.contents == [content]:
            await store.remove(entry, limit_s=limit_s)  # what is left is marked, and no finding about the service
        return judged_read_back(content, found)
