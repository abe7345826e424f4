"""A few connections kept open to whatever is primary now.

Not asyncpg's own pool: that one resets a connection by another round trip after each use, drops the log
listeners on which durability depends, and opens connections when a request needs one instead of when the
database is back.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator

from enhancer import metrics
from enhancer.storage.connection import Address, Connection, Server
from enhancer.storage.errors import UnavailableError

log = logging.getLogger(__name__)

RETRY_S = 0.1


class Pool:
    """At most `size` connections, reopened in the background as soon as the address leads to a primary.

    While there is none a single attempt at a time is made, and `lease` waits for its outcome.
    """

    def __init__(self, name: str, address: Address, size: int, **server_settings: str) -> None:
        self._name = name
        self._address = address
        self._size = size
        self._server_settings = server_settings
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._short = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._why = "not connected yet"

    @property
    def connected(self) -> bool:
        """Whether there is any open connection."""
        return bool(self._all)

    async def run(self) -> None:
        """Keep the pool full until cancelled, then close everything."""
        self._short.set()
        try:
            while True:
                await self._short.wait()
                if not await self._refill():
                    await asyncio.sleep(RETRY_S)
        finally:
            for connection in self._all:
                connection.abort()

    async def _refill(self) -> bool:
        try:
            self._admit(await self._open())
        except UnavailableError as error:
            self._why = str(error)
            return False
        missing = self._size - len(self._all)
        for opened in await asyncio.gather(*(self._open() for _ in range(missing)), return_exceptions=True):
            if isinstance(opened, Connection):
                self._admit(opened)
            elif not isinstance(opened, UnavailableError):
                raise opened
        if len(self._all) >= self._size:
            self._short.clear()
        return True

    async def _open(self) -> Connection:
        return await Connection.open(self._address, **self._server_settings)

    def _admit(self, connection: Connection) -> None:
        if not self._all:
            log.info("pool %s is connected", self._name)
        self._all.add(connection)
        connection.on_lost(lambda: self._lost(connection))
        metrics.CONNECTIONS.labels(self._name).set(len(self._all))
        self._hand_out(connection)

    def _hand_out(self, connection: Connection) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        connection.broken = True
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._all:
            self._why = "connection lost"
            log.warning("pool %s has lost its last connection", self._name)
        metrics.CONNECTIONS.labels(self._name).set(len(self._all))
        self._short.set()

    @contextlib.asynccontextmanager
    async def lease(self, limit_s: float) -> AsyncIterator[Connection]:
        """A connection for the time of the block; UnavailableError if none is free within `limit_s` seconds."""
        connection = self._idle.pop() if self._idle else await self._next(limit_s)
        try:
            yield connection
        except asyncio.CancelledError:
            connection.broken = True  # a statement may still be on its way
            raise
        finally:
            if connection.broken:
                self._discard(connection)
            elif connection in self._all:
                self._hand_out(connection)

    async def _next(self, limit_s: float) -> Connection:
        waiter: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await asyncio.wait_for(waiter, limit_s)
        except TimeoutError:
            raise UnavailableError("all connections are busy" if self._all else self._why) from None
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._hand_out(waiter.result())
            raise

    def _discard(self, connection: Connection) -> None:
        self._lost(connection)
        task = asyncio.ensure_future(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def keep_only(self, server: Server) -> None:
        """Drop the connections to any other server, also those in use: it is no longer behind the address."""
        for connection in [each for each in self._all if each.server != server]:
            self._lost(connection)
            connection.abort()
