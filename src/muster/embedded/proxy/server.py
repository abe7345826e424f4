"""The proxy's own process: listens on the addresses of Services, carries each connection to one of their endpoints.

What a client sees, compared with kube-proxy in iptables mode, which rewrites packets and is no party to a connection:

- no usable endpoint: refused, as there; the port is not listened on.
- one of several endpoints refuses: here the connection is accepted and reset at once, there it is refused. Where all
  endpoints of a port refuse, the port is closed until one of them accepts again, so that clients are refused as there;
  the first connection that meets the refusal is reset.
- endpoint killed in the middle of a connection: reset or end of stream, whichever the kernel sends, as there.
- endpoint stopped: silence, as there, except that the connection itself is always accepted.
- endpoint leaves the Service: its connections stay until one side ends them, as there.

A connection goes to an endpoint chosen at random and is never tried elsewhere.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from muster.embedded.proxy.relay import Client, Endpoint

BACKLOG = 1024
ASK_AGAIN_S = 0.02


class Refusing:
    """Endpoints that refused a connection. Each is asked again until it accepts or nobody wants to know."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._asking: dict[Endpoint, asyncio.Task[None]] = {}
        self.wanted: set[Endpoint] = set()

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._asking

    def add(self, endpoint: Endpoint) -> None:
        if endpoint not in self._asking and endpoint in self.wanted:
            self._asking[endpoint] = asyncio.get_running_loop().create_task(self._ask(endpoint))
            self._changed()

    async def _ask(self, endpoint: Endpoint) -> None:
        try:
            while endpoint in self.wanted:
                await asyncio.sleep(ASK_AGAIN_S)
                if await _accepts(endpoint):
                    return
        finally:
            del self._asking[endpoint]
            self._changed()


async def _accepts(endpoint: Endpoint) -> bool:
    """Whether the endpoint does not refuse; one that is silent does not."""
    try:
        async with asyncio.timeout(1.0):
            transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *endpoint)
    except TimeoutError:
        return True
    except OSError:
        return False
    transport.close()
    return True


class Port:
    """One port of one Service."""

    def __init__(self, address: str, number: int, refusing: Refusing) -> None:
        self.endpoints: list[Endpoint] = []
        self._address = address
        self._number = number
        self._refusing = refusing
        self._server: asyncio.Server | None = None

    async def adjust(self) -> None:
        """Listen where there is an endpoint to carry connections to, else do not. Raises `OSError`."""
        wanted = any(endpoint not in self._refusing for endpoint in self.endpoints)
        if wanted and self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Client(self._choose, self._refusing.add), self._address, self._number, backlog=BACKLOG
            )
        elif not wanted:
            self.close()

    def close(self) -> None:
        """Listen no more; connections that exist stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _choose(self) -> Endpoint | None:
        return random.choice(self.endpoints) if self.endpoints else None


class Server:
    """All ports. `report` is called with what cannot be done: ("address:port", why)."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        self._report = report
        self._ports: dict[str, Port] = {}
        self._refusing = Refusing(self._adjust_soon)
        self._adjusting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reported: set[str] = set()

    async def apply(self, table: dict[str, list[str]]) -> None:
        """Serve this table and nothing else."""
        for place in self._ports.keys() - table.keys():
            self._ports.pop(place).close()
            self._reported.discard(place)
        for place, endpoints in table.items():
            port = self._ports.get(place) or Port(*_split(place), self._refusing)
            port.endpoints = [_split(endpoint) for endpoint in endpoints]
            self._ports[place] = port
        self._refusing.wanted = {endpoint for port in self._ports.values() for endpoint in port.endpoints}
        await self._adjust()

    async def _adjust(self) -> None:
        async with self._adjusting:
            for place, port in tuple(self._ports.items()):
                try:
                    await port.adjust()
                except OSError as error:
                    if place not in self._reported:
                        self._reported.add(place)
                        self._report(place, error.strerror or str(error))

    def _adjust_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._adjust())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _split(place: str) -> Endpoint:
    address, _, port = place.rpartition(":")
    return address, int(port)


def _say(message: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
        sys.stdout.buffer.flush()


async def serve() -> None:
    """Serve the tables that come on standard input, one JSON object a line, until its end."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = Server(lambda place, why: _say({"failed": place, "why": why}))
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await server.apply(orjson.loads(line))
