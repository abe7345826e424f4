"""Which database is behind the address now."""

import asyncio
import logging

from enhancer import metrics
from enhancer.storage.connection import Address, Connection, Server
from enhancer.storage.errors import UnavailableError
from enhancer.storage.pool import Pool

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


class PrimaryWatch:
    """Looks with a fresh connection who answers as primary.

    A primary that is dead breaks its connections; one that is merely fenced off or hung keeps them, and would
    go on being asked although the Service leads elsewhere.
    """

    def __init__(self, address: Address, *pools: Pool) -> None:
        self._address = address
        self._pools = pools
        self.primary: Server | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        try:
            connection = await Connection.open(self._address)
        except UnavailableError:
            return
        await connection.close()
        found = connection.server
        if self.primary is not None and self.primary != found:
            log.warning("the primary is %s (%s) now, was %s", found.name, found.host, self.primary.name)
            metrics.REPOINTS.inc()
        self.primary = found
        for pool in self._pools:
            pool.keep_only(found)
