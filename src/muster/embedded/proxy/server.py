"""The proxy's own process: listens on the addresses of Services, carries each connection to one of their endpoints.

What a client sees, compared with kube-proxy in iptables mode, which rewrites packets and is no party to a connection:

- no usable endpoint: refused, as there; the port is not listened on.
- endpoints refuse: refused, as there. Here a connection must be accepted before its endpoint can be tried, so the port
  itself is shut: while all endpoints refuse always, while some do for as large a part of the time as their share,
  moment by moment by chance, as kube-proxy draws an endpoint for each connection. That an endpoint refuses is known
  from the node, which tells when a program of its address has ended, or from the first connection that meets the
  refusal: that one is accepted and reset.
- endpoint's address gone, before the Service is told: silence for 3 s, then the connection is reset, where there it is
  not established and ends with "no route to host".
- endpoint killed in the middle of a connection: reset or end of stream, whichever the kernel sends, as there.
- endpoint stopped: silence, as there, except that the connection itself is always accepted.
- endpoint leaves the Service: its connections stay until one side ends them, as there.

A connection goes to an endpoint chosen at random and is never tried elsewhere.

Ports that have routes are another thing: they are read as HTTP, and always listened on, as those of a gateway are. What
goes wrong behind them is an answer (503 where no endpoint is usable, or the one chosen refuses), see `http`.

Each line of standard input is a JSON object: `table` is what to serve, {"address:port": ["address:port", ...]};
`routes` are the rules of ports that have some, {"address:port": [rule, ...]} (`http.routing.Rule`), beside a `version`
that is said back on standard output once they are in force; `ended` an address a program of which has ended; `gone` one
that nobody has any more.
"""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from muster.embedded.proxy.http.downstream import Downstream
from muster.embedded.proxy.http.routing import Backend, Request, Router, split_place
from muster.embedded.proxy.http.upstream import Pool
from muster.embedded.proxy.listener import Listener
from muster.embedded.proxy.relay import Client, Endpoint

ASK_AGAIN_S = 0.02
MOMENT_S = 0.01  # for which a port is open or shut while some of its endpoints refuse


class Refusing:
    """Endpoints that refused a connection. Each is asked again until it accepts or nobody wants to know."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._asking: dict[Endpoint, asyncio.Task[None]] = {}
        self._checking: set[asyncio.Task[None]] = set()
        self.wanted: set[Endpoint] = set()

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._asking

    def add(self, endpoint: Endpoint) -> None:
        """One that has just refused."""
        if endpoint not in self._asking and endpoint in self.wanted:
            self._asking[endpoint] = asyncio.get_running_loop().create_task(self._ask(endpoint))
            self._changed()

    def suspect(self, address: str) -> None:
        """Ask the endpoints of an address whether they still accept."""
        for endpoint in self.wanted:
            if endpoint[0] == address and endpoint not in self._asking:
                task = asyncio.get_running_loop().create_task(self._check(endpoint))
                self._checking.add(task)
                task.add_done_callback(self._checking.discard)

    async def _check(self, endpoint: Endpoint) -> None:
        if not await _accepts(endpoint):
            self.add(endpoint)

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
    """One port of one Service or Gateway. `gone` are addresses that nobody has any more."""

    def __init__(self, address: str, number: int, refusing: Refusing, gone: set[str], pool: Pool) -> None:
        self.endpoints: list[Endpoint] = []
        self.router: Router | None = None  # where it is read as HTTP
        self._refusing = refusing
        self._gone = gone
        self._pool = pool
        self._listener = Listener(address, number, self._accepted)
        self._joining: set[asyncio.Task[Any]] = set()
        self._moment: asyncio.TimerHandle | None = None

    def adjust(self) -> None:
        """Listen where there is an endpoint to carry connections to, else do not. Raises `OSError`."""
        accepting = len(self._accepting())
        if not accepting and self.router is None:
            self.close()
        elif accepting == len(self.endpoints) or self.router is not None:
            self._end_moment()
            self._listener.open()
        elif self._moment is None:
            self._listener.open()  # what hinders it is told; moments do not tell
            self._begin_moment()

    def close(self) -> None:
        """Listen no more; connections that exist stay."""
        self._end_moment()
        self._listener.shut()

    def _accepting(self) -> list[Endpoint]:
        """Endpoints that do not refuse; what is silent does not."""
        return [found for found in self.endpoints if found not in self._refusing or found[0] in self._gone]

    def _begin_moment(self) -> None:
        """Be open or shut for a moment, by the share of the endpoints that accept."""
        if random.random() * len(self.endpoints) < len(self._accepting()):
            with suppress(OSError):  # taken by somebody else between two moments: refused, as it should be now and then
                self._listener.open()
        else:
            self._listener.shut()
        self._moment = asyncio.get_running_loop().call_later(MOMENT_S, self._begin_moment)

    def _end_moment(self) -> None:
        if self._moment is not None:
            self._moment.cancel()
            self._moment = None

    def _accepted(self, connection: socket.socket) -> None:
        client = self._reader() or Client(
            self._choose, self._refusing.add, lambda endpoint: endpoint[0] in self._gone, self._reader
        )
        joining = asyncio.get_running_loop().create_task(
            asyncio.get_running_loop().connect_accepted_socket(lambda: client, connection)
        )
        self._joining.add(joining)
        joining.add_done_callback(self._joining.discard)

    def _reader(self) -> asyncio.Protocol | None:
        """Who reads a connection as HTTP, where it is to be."""
        return Downstream(self._route, self._pool) if self.router is not None else None

    def _route(self, request: Request) -> Backend | int:
        """Where a request goes. On a connection that is read as HTTP and has no routes any more: to any endpoint."""
        return self.router.route(request) if self.router is not None else Backend(self.endpoints)

    def _choose(self) -> Endpoint | None:
        endpoints = self._accepting() or self.endpoints
        return random.choice(endpoints) if endpoints else None


class Server:
    """All ports. `report` is called with what cannot be done: ("address:port", why)."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        self._report = report
        self._ports: dict[str, Port] = {}
        self._refusing = Refusing(self._adjust)
        self._gone: set[str] = set()
        self._pool = Pool(self._gone.__contains__)
        self._table: dict[str, list[Endpoint]] = {}
        self._routers: dict[str, Router] = {}
        self._behind_routes: set[str] = set()  # addresses
        self._reported: set[str] = set()

    def apply(self, table: dict[str, list[str]]) -> None:
        """Serve this table and nothing else beside the routes."""
        self._table = {place: [split_place(found) for found in endpoints] for place, endpoints in table.items()}
        self._refusing.wanted = {endpoint for endpoints in self._table.values() for endpoint in endpoints}
        self._arrange()

    def route(self, rules: dict[str, list[dict[str, Any]]]) -> None:
        """Read these ports as HTTP, by these rules, and no others; connections that are so read already stay so."""
        self._routers = {place: Router(described) for place, described in rules.items()}
        self._behind_routes = {address for router in self._routers.values() for address in router.addresses}
        self._arrange()

    def gone(self, address: str) -> None:
        """Nobody has this address any more: who is carried there hears nothing."""
        if address in self._known():
            self._gone.add(address)
            self._adjust()

    def _known(self) -> set[str]:
        return self._behind_routes | {address for address, _ in self._refusing.wanted}

    def _arrange(self) -> None:
        places = self._table.keys() | self._routers.keys()
        for place in self._ports.keys() - places:
            port = self._ports.pop(place)
            port.endpoints, port.router = [], None
            port.close()
            self._reported.discard(place)
        for place in places:
            port = self._ports.get(place) or Port(*split_place(place), self._refusing, self._gone, self._pool)
            port.endpoints, port.router = self._table.get(place, []), self._routers.get(place)
            self._ports[place] = port
        self._gone &= self._known()
        self._adjust()

    def ended(self, address: str) -> None:
        """A program of this address has ended: what it listened on refuses now."""
        self._refusing.suspect(address)

    def _adjust(self) -> None:
        for place, port in self._ports.items():
            try:
                port.adjust()
            except OSError as error:
                if place not in self._reported:
                    self._reported.add(place)
                    self._report(place, error.strerror or str(error))


def _say(message: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
        sys.stdout.buffer.flush()


async def serve() -> None:
    """Do what the lines of standard input say, until its end."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = Server(lambda place, why: _say({"failed": place, "why": why}))
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        message = orjson.loads(line)
        if "table" in message:
            server.apply(message["table"])
        elif "routes" in message:
            server.route(message["routes"])
            _say({"routed": message["version"]})
        elif "ended" in message:
            server.ended(message["ended"])
        else:
            server.gone(message["gone"])
