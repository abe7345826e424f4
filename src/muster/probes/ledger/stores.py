"""The store that system.yaml's ledger means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from muster.probes.http.exchange import Exchange
from muster.probes.ledger.driver_store import DriverStore
from muster.probes.ledger.http_store import HttpStore
from muster.probes.ledger.store import Store
from muster.system.definition import LedgerSpec, PythonLedgerSpec, SystemDefinition


def store_of(ledger: LedgerSpec | PythonLedgerSpec, exchange: Exchange, url: str, directory: Path) -> Store:
    """The store of a ledger: over `exchange`, or by a class that is found in `directory` (that of system.yaml) too.

    Raises:
        UsageError: there is no such class, or it lacks a method.
    """
    if isinstance(ledger, LedgerSpec):
        return HttpStore(ledger, exchange)
    return DriverStore(ledger, url, directory)


@asynccontextmanager
async def open_store(system: SystemDefinition, url: str) -> AsyncIterator[tuple[Store, Exchange]]:
    """The store of a system's ledger, and the exchange that it may use, both closed at the end.

    Raises:
        UsageError: the system has no ledger, the URL is none, or the class of the ledger cannot be used.
    """
    async with Exchange(url) as exchange:
        store = store_of(system.require_ledger(), exchange, url, system.directory)
        try:
            yield store, exchange
        finally:
            await store.close()
