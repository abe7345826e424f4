"""One piece of work from beginning to end, done by the release itself: the only look of a gate that writes."""

from __future__ import annotations

import asyncio
import secrets

from muster.base.clock import now
from muster.gate.subject import Found
from muster.probes.answers.content import parse, unexpected, values_at
from muster.probes.http.exchange import Exchange
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.http_store import filled, names
from muster.probes.ledger.store import MARK, Entry
from muster.probes.ledger.stores import open_store
from muster.system import SystemDefinition
from muster.system.acceptance import WholeWorkflow
from muster.system.definition import LedgerSpec

EVERY_S = 0.25


def workflow(url: str, system: SystemDefinition) -> Found | None:
    """Hand in work by the ledger's `create`, and follow it by its `read` until it is done; None where system.yaml
    names no such work. What can be removed is removed.

    Raises:
        UsageError: the URL names no host that can be reached over HTTP.
    """
    wanted, ledger = system.release.acceptance.workflow, system.ledger
    if wanted is None:
        return None
    if not isinstance(ledger, LedgerSpec):
        return Found("unknown", "release.acceptance.workflow needs a 'ledger' of requests, and system.yaml has none")
    return asyncio.run(_follow(url, system, ledger, wanted))


async def _follow(url: str, system: SystemDefinition, ledger: LedgerSpec, wanted: WholeWorkflow) -> Found:
    identity, content = f"{MARK}gate-{secrets.token_hex(6)}", secrets.token_hex(16)
    async with open_store(system, url) as (store, exchange):
        began = now()
        made = await store.write(identity, content, kept=False, limit_s=ledger.limit_s)
        if made.certainty != "acknowledged":
            return Found("missed", f"work could not be handed in: {made.answer.outcome} {made.answer.why}".rstrip())
        entry = Entry(identity, made.key)
        try:
            return await _until_done(exchange, ledger, wanted, entry, began)
        finally:
            if store.removes:
                await store.remove(entry, limit_s=ledger.limit_s)


async def _until_done(
    exchange: Exchange, ledger: LedgerSpec, wanted: WholeWorkflow, entry: Entry, began: float
) -> Found:
    said = "it was not read"
    while now() - began < wanted.within_s:
        answer = await exchange.send(filled(ledger.read, **names(entry)), kept=True, limit_s=ledger.limit_s)
        if answer.outcome is Outcome.OK:
            document = parse(answer.body)
            said = unexpected(document, wanted.done)
            phases = _count(document, wanted.phases)
            if not said and phases == wanted.count:
                return Found("met", f"{entry.id} went through {phases} phases in {now() - began:.1f} s")
            if not said:
                return Found("missed", f"{entry.id} is done after {phases} phases, and {wanted.count} are wanted")
        else:
            said = f"{answer.outcome} {answer.why}".rstrip()
        await asyncio.sleep(EVERY_S)
    return Found("missed", f"{entry.id} was not done within {wanted.within_s:g} s: {said}")


def _count(document: object, path: str) -> int | None:
    found = values_at(document, path)
    if len(found) == 1 and isinstance(found[0], list):
        return len(found[0])
    return int(found[0]) if len(found) == 1 and isinstance(found[0], int) else None
