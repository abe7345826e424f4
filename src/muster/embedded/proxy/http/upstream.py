"""Connections to endpoints: one request at a time, and kept for the next one when all went as it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from muster.base.clock import now
from muster.embedded.proxy.http.heads import LAST_CHUNK, Fields, chunk, head
from muster.embedded.proxy.http.routing import Backend
from muster.embedded.proxy.relay import UNREACHABLE_S, Endpoint

CONNECT_S = 5.0  # as Envoy's default
IDLE_S = 1.0  # after which a kept connection is closed: well before a server's own limit, which might cut a request
MOST_KEPT = 256  # for one endpoint
_BAD_GATEWAY, _UNAVAILABLE = 502, 503


class Asked(Protocol):
    """A request on its way, as who answers it must know it."""

    backend: Backend
    is_head: bool
    is_old: bool  # the client speaks HTTP/1.0
    wants_switch: bool  # to WebSocket
    complete: bool  # the client has sent all of it
    answered: bool  # the head of its answer has come

    @property
    def closes(self) -> bool:
        """Whether the client's connection ends with this answer."""

    def close_after(self) -> None:
        """The client's connection is to end with this answer."""

    def answer(self, data: bytes) -> None:
        """The next bytes for the client."""

    def end(self) -> None:
        """The answer is complete."""

    def fail(self, upstream: Upstream, status: int) -> None:
        """No more will come, and it is not complete."""

    def switch(self, upstream: Upstream, rest: bytes) -> None:
        """The endpoint speaks another protocol from now on; `rest` are its first words."""

    def regulate(self) -> None:
        """The endpoint can take more now, or no more."""


class Upstream(asyncio.Protocol):
    """One connection to an endpoint."""

    def __init__(self, endpoint: Endpoint, connection: socket.socket, pool: Pool) -> None:
        self.endpoint = endpoint
        self.transport: asyncio.Transport | None = None
        self.blocked = False  # it takes no more for the moment
        self.reused = False
        self.heard = False  # something of the present answer has come
        self.idle_since = 0.0
        self._connection = connection
        self._pool = pool
        self._asked: Asked | None = None
        self._out: list[bytes] = []

    def begin(self, asked: Asked, data: bytes) -> None:
        """Send a request, or its beginning, and hear the answer."""
        assert self.transport is not None
        self._asked = asked
        self._parser = httptools.HttpResponseParser(self)
        self.heard = self._finished = self._excess = self._interim = self._keeps = False
        self._chunking = self._until_end = False
        self.transport.write(data)

    def send(self, data: bytes) -> None:
        """More of the request."""
        if self.transport is not None:
            self.transport.write(data)

    def drop(self) -> None:
        """End it; nobody waits for what is still to come."""
        self._asked = None
        if self.transport is not None:
            self.transport.abort()

    def is_usable(self) -> bool:
        """Whether the other side has neither ended the connection nor said anything unasked."""
        if self.transport is None or self.transport.is_closing():
            return False
        try:
            self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._asked is None:
            self.drop()
            return
        self.heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._flush()
            if self._asked.answered:
                asked, self._asked = self._asked, None
                asked.switch(self, data[switch.args[0] :])
            else:
                self._fail(_BAD_GATEWAY)
            return
        except httptools.HttpParserCallbackError:
            raise  # a fault of ours, not of the endpoint
        except httptools.HttpParserError:
            self._excess = True
            if not self._finished:
                self._flush()
                self._fail(_BAD_GATEWAY)
                return
        self._flush()
        if self._finished:
            self._release()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._pool.forget(self)
        if self._asked is None:
            return
        if self._until_end and error is None:
            self.on_message_complete()
            self._flush()
            self._release()
        else:
            self._fail(_UNAVAILABLE)

    def pause_writing(self) -> None:
        self.blocked = True
        if self._asked is not None:
            self._asked.regulate()

    def resume_writing(self) -> None:
        self.blocked = False
        if self._asked is not None:
            self._asked.regulate()

    # What the parser tells

    def on_message_begin(self) -> None:
        self._excess = self._finished
        self._fields = Fields()
        self._reason = b""
        self._interim = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.add(name, value)

    def on_headers_complete(self) -> None:
        if self._finished or self._asked is None:
            return
        status = self._parser.get_status_code()
        if status == 101 and self._asked.wants_switch:
            self._answer_switch(self._asked)
        elif status < 200:
            self._interim = True
            if not self._asked.is_old and status != 101:
                self._out.append(head(self._first(status), self._fields.end_to_end()))
        else:
            self._answer(self._asked, status)

    def on_body(self, data: bytes) -> None:
        if not self._finished:
            self._out.append(chunk(data) if self._chunking else data)

    def on_message_complete(self) -> None:
        if not self._interim and not self._finished:
            self._finished = True
            if self._chunking:
                self._out.append(LAST_CHUNK)

    # Inside

    def _first(self, status: int) -> bytes:
        return b"HTTP/1.1 %d %s" % (status, self._reason)

    def _answer(self, asked: Asked, status: int) -> None:
        """Write the head of the answer."""
        headers = self._fields.end_to_end()
        for modifier in asked.backend.response:
            headers = modifier.apply(headers)
        framed = self._fields.get(b"transfer-encoding") is not None
        bodiless = asked.is_head or status in (204, 304)
        closes = asked.closes
        if framed or (not bodiless and self._fields.get(b"content-length") is None):
            self._until_end = not framed and not bodiless
            self._chunking = not asked.is_old and not bodiless
            closes = closes or asked.is_old
            if not asked.is_old:
                headers.append((b"Transfer-Encoding", b"chunked"))
        if closes:
            headers.append((b"Connection", b"close"))
            asked.close_after()
        elif asked.is_old:
            headers.append((b"Connection", b"keep-alive"))
        self._keeps = self._parser.should_keep_alive()
        asked.answered = True
        self._out.append(head(self._first(status), headers))
        self._finished = asked.is_head

    def _answer_switch(self, asked: Asked) -> None:
        headers = [*self._fields.end_to_end(), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
        asked.answered = True
        self._out.append(head(self._first(101), headers))

    def _flush(self) -> None:
        if self._out and self._asked is not None:
            self._asked.answer(b"".join(self._out))
        self._out.clear()

    def _fail(self, status: int) -> None:
        asked, self._asked = self._asked, None
        self.drop()
        if asked is not None:
            asked.fail(self, status)

    def _release(self) -> None:
        """The answer is complete: keep the connection, or end it."""
        asked, self._asked = self._asked, None
        assert asked is not None
        if self.transport is not None:
            if self._keeps and asked.complete and not self._excess and not self.transport.is_closing():
                self._pool.keep(self)
            else:
                self.transport.close()
        asked.end()


class Pool:
    """Connections that wait for the next request. `is_gone` tells of addresses that nobody has any more."""

    def __init__(self, is_gone: Callable[[str], bool]) -> None:
        self._is_gone = is_gone
        self._kept: dict[Endpoint, list[Upstream]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, endpoint: Endpoint) -> Upstream | None:
        """A kept connection, the one that was used last."""
        kept = self._kept.get(endpoint)
        while kept:
            upstream = kept.pop()
            if upstream.is_usable():
                upstream.reused = True
                return upstream
            upstream.drop()
        return None

    async def connect(self, endpoint: Endpoint) -> Upstream:
        """A new connection. Raises `OSError` where it does not come to be."""
        if self._is_gone(endpoint[0]):
            await asyncio.sleep(UNREACHABLE_S)
            raise OSError("no route to host")
        loop = asyncio.get_running_loop()
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(CONNECT_S):
                await loop.sock_connect(connection, endpoint)
            _, upstream = await loop.create_connection(lambda: Upstream(endpoint, connection, self), sock=connection)
        except BaseException:
            connection.close()
            raise
        return upstream

    def keep(self, upstream: Upstream) -> None:
        """Have a connection wait for the next request."""
        assert upstream.transport is not None
        kept = self._kept.setdefault(upstream.endpoint, [])
        if len(kept) >= MOST_KEPT:
            upstream.transport.close()
            return
        upstream.transport.resume_reading()
        upstream.idle_since = now()
        kept.append(upstream)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)

    def forget(self, upstream: Upstream) -> None:
        """A connection has ended."""
        kept = self._kept.get(upstream.endpoint)
        if kept and upstream in kept:
            kept.remove(upstream)

    def _sweep(self) -> None:
        """Close what has waited for too long."""
        oldest, self._sweeping = now() - IDLE_S, None
        for endpoint, kept in list(self._kept.items()):
            old = [upstream for upstream in kept if upstream.idle_since < oldest]
            self._kept[endpoint] = [upstream for upstream in kept if upstream.idle_since >= oldest]
            for upstream in old:
                upstream.drop()
            if not self._kept[endpoint]:
                del self._kept[endpoint]
        if self._kept:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)
