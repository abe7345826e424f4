"""One write through the service, read back: whether what clients do works at this moment."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

from muster.probes.exchange import Answer, Exchange
from muster.probes.outcomes import Outcome
from muster.probes.probing import filled, judged_read_back
from muster.system.definition import LedgerSpec


def write_once(url: str, ledger: LedgerSpec) -> Answer:
    """Write something under an id of its own and read it back, each within the ledger's limit.

    The answer's outcome is ok only where the write was acknowledged and found as it was written; else its `why` says in
    one line what came instead.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP.
        OwnLimitError: this process has no connections left.
    """
    return asyncio.run(_write(url, ledger, f"muster-check-{secrets.token_hex(8)}", secrets.token_hex(16)))


async def _write(url: str, ledger: LedgerSpec, identity: str, content: str) -> Answer:
    async with Exchange(url) as exchange:
        created = await exchange.send(filled(ledger.create, identity, content), kept=False, limit_s=ledger.limit_s)
        if created.outcome is not Outcome.OK:
            return replace(created, why=f"writing: {created.why}")
        found = await exchange.send(filled(ledger.read, identity, content), kept=False, limit_s=ledger.limit_s)
        return judged_read_back(ledger, identity, content, found)
