"""A client's connection: its requests are taken one by one, each goes its own way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from muster.embedded.proxy.http.exchange import Exchange, fault_of
from muster.embedded.proxy.http.heads import LAST_CHUNK, chunk, head, own_answer
from muster.embedded.proxy.http.routing import Backend, Request
from muster.embedded.proxy.http.upstream import Pool, Upstream
from muster.embedded.proxy.relay import Side, end_writing

MOST_HEAD = 64 * 1024  # bytes
MOST_WAITING = 64 * 1024  # bytes of a body that wait for the endpoint before the client is asked to wait
LINGER_S = 1.0  # for which a client may go on to send what nobody wants, so that it can read why
_SAFE_TO_REPEAT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))  # RFC 9110, 9.2.2
_WHY = {
    400: "the request is malformed",
    404: "no rule of a route fits the request",
    405: "the method is not for a gateway",
    431: "the head of the request is too large",
    500: "no backend has a share of the requests, or the one chosen does not exist",
    502: "the backend's answer is malformed",
    503: "the backend has no ready endpoint, refuses the connection, or ended it without an answer",
    505: "this version of HTTP is not spoken here",
}

Route = Callable[[Request], Backend | int]


class Downstream(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, route: Route, pool: Pool) -> None:
        """`route` says for a request to which backend it goes, or with which status it is refused."""
        self.transport: asyncio.Transport | None = None
        self._route = route
        self._pool = pool
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[Exchange] = deque()  # the first one is being answered
        self._receiving: Exchange | None = None
        self._size = 0  # bytes since the present head began
        self._after: bytes | None = None  # what came behind a request to switch, until that is answered
        self._primed = False  # the parser is told of the frame of a body again, which is no request
        self._deaf = False  # what comes is not looked at any more
        self._paused = False
        self._blocked = False  # the client takes no more for the moment

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]).encode() if peer else b"unknown"

    def data_received(self, data: bytes) -> None:
        if self._after is not None:
            self._after += data
        elif not self._deaf:
            self._feed(data)
            self._advance()
        self.regulate()

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        self._deaf = True
        for exchange in self._exchanges:
            self._abandon(exchange)
        self._exchanges.clear()

    def pause_writing(self) -> None:
        self._blocked = True
        self._hold_answer()

    def resume_writing(self) -> None:
        self._blocked = False
        if self._exchanges and (upstream := self._exchanges[0].upstream) and upstream.transport:
            upstream.transport.resume_reading()

    # What the parser tells

    def on_message_begin(self) -> None:
        if not self._primed:
            self._receiving = Exchange(self)

    def on_url(self, url: bytes) -> None:
        if not self._primed and self._receiving is not None:
            self._receiving.request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind the body nothing is passed on: trailers are for the neighbour where they were not asked for.
        if not self._primed and self._receiving is not None and not self._receiving.request.method:
            self._receiving.request.fields.add(name, value)

    def on_headers_complete(self) -> None:
        exchange, parser, size = self._receiving, self._parser, self._size
        self._size = 0
        if self._primed or exchange is None:
            return
        request = exchange.request
        request.method = parser.get_method()
        exchange.is_head = request.method == b"HEAD"
        exchange.keep_alive = parser.should_keep_alive()
        version = parser.get_http_version()
        exchange.is_old = version == "1.0"
        exchange.chunked = request.fields.get(b"transfer-encoding") is not None
        exchange.refusal = fault_of(request, version)
        if size > MOST_HEAD and request.size > MOST_HEAD:
            exchange.refusal = 431
        exchange.keep_alive = exchange.keep_alive and not exchange.refusal
        exchange.wants_switch = parser.should_upgrade() and not exchange.refusal
        self._exchanges.append(exchange)

    def on_body(self, data: bytes) -> None:
        exchange = self._receiving
        if exchange is None:
            return
        if exchange.chunked:
            data = chunk(data)
        if exchange.upstream is not None:
            exchange.opening = b""
            exchange.upstream.send(data)
        else:
            exchange.body.append(data)
            exchange.waiting += len(data)

    def on_message_complete(self) -> None:
        exchange = self._receiving
        if exchange is None or exchange.wants_switch:
            return  # a request to switch may have a body that the parser did not look at
        self._complete(exchange)

    # Requests

    def _feed(self, data: bytes) -> None:
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._met_switch(data[switch.args[0] :])
        except httptools.HttpParserCallbackError:
            raise  # a fault of ours, not of the client
        except httptools.HttpParserError:
            self._refuse_rest(400)
        else:
            if self._receiving is not None and not self._receiving.request.method and self._size > MOST_HEAD:
                self._refuse_rest(431)

    def _complete(self, exchange: Exchange) -> None:
        exchange.complete = True
        self._receiving = None
        self._size = 0
        if exchange.chunked:
            if exchange.upstream is not None:
                exchange.upstream.send(LAST_CHUNK)
            else:
                exchange.body.append(LAST_CHUNK)

    def _met_switch(self, rest: bytes) -> None:
        """A request to switch has come: to WebSocket it may, of others the wish is not passed on."""
        exchange = self._receiving
        if exchange is None or exchange.refusal:
            self._refuse_rest(400)
            return
        length = exchange.request.fields.get(b"content-length")
        token = (exchange.request.fields.get(b"upgrade") or b"").strip().lower()
        has_body = exchange.chunked or (length or b"0").strip(b"0") != b""
        if token == b"websocket" and not has_body:
            self._complete(exchange)
            self._after = rest
            return
        exchange.wants_switch = False
        self._parser = httptools.HttpRequestParser(self)
        if not has_body:
            self._complete(exchange)
        else:
            self._primed = True
            frame = b"Transfer-Encoding: chunked" if exchange.chunked else b"Content-Length: " + (length or b"0")
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + frame + b"\r\n\r\n")
            self._primed = False
        if rest:
            self._feed(rest)

    def _refuse_rest(self, status: int) -> None:
        """What comes is no HTTP, or too much: refuse it, when what came before has been answered, and hear no more."""
        exchange, self._receiving = self._receiving or Exchange(self), None
        self._deaf = True
        exchange.keep_alive = False
        if exchange not in self._exchanges:
            self._exchanges.append(exchange)
        if exchange.started:
            self._abandon(exchange)
            self._refuse(exchange, status)
        else:
            exchange.refusal = exchange.refusal or status

    def _advance(self) -> None:
        while self._exchanges and not self._exchanges[0].started and self.transport is not None:
            self._start(self._exchanges[0])

    def _start(self, exchange: Exchange) -> None:
        exchange.started = True
        found = exchange.refusal or self._route(exchange.request)
        if isinstance(found, int):
            self._refuse(exchange, found)
            return
        endpoint = found.pick()
        if endpoint is None:
            self._refuse(exchange, 503)
            return
        exchange.backend, exchange.endpoint = found, endpoint
        if upstream := self._pool.take(endpoint):
            self._pass_on(exchange, upstream)
        else:
            exchange.connecting = asyncio.get_running_loop().create_task(self._reach(exchange))

    async def _reach(self, exchange: Exchange) -> None:
        try:
            upstream = await self._pool.connect(exchange.endpoint)
        except OSError:
            exchange.connecting = None
            self._refuse(exchange, 503)
            self._advance()
        else:
            exchange.connecting = None
            if exchange.opening:
                exchange.upstream = upstream
                upstream.begin(exchange, exchange.opening)
            else:
                self._pass_on(exchange, upstream)
        self.regulate()

    def _pass_on(self, exchange: Exchange, upstream: Upstream) -> None:
        """Send what there is of a request."""
        request = exchange.request
        headers = request.fields.forwarded(self._peer)
        for modifier in exchange.backend.request:
            headers = modifier.apply(headers)
        if exchange.wants_switch:
            headers += [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
        if exchange.chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
        data = head(b"%s %s HTTP/1.1" % (request.method, request.target), headers)
        if exchange.body:
            data = b"".join([data, *exchange.body])
            exchange.body, exchange.waiting = [], 0
        if exchange.complete and request.method in _SAFE_TO_REPEAT and upstream.reused:
            exchange.opening = data
        exchange.upstream = upstream
        upstream.begin(exchange, data)
        self._hold_answer()

    # Answers

    def write(self, data: bytes) -> None:
        """The next bytes for the client."""
        if self.transport is not None:
            self.transport.write(data)

    def finish(self, exchange: Exchange) -> None:
        """An answer is complete: on to the next request."""
        self._end(exchange)
        self._advance()
        self.regulate()

    def lost(self, exchange: Exchange, upstream: Upstream, status: int) -> None:
        """An endpoint has ended its connection before its answer was complete.

        Where that was a kept one, and it may just have been ended for its age, what may be said twice is said once
        more to the same endpoint.
        """
        exchange.upstream = None
        if upstream.reused and not upstream.heard and exchange.opening:
            exchange.connecting = asyncio.get_running_loop().create_task(self._reach(exchange))
            return
        self._refuse(exchange, status)
        self._advance()
        self.regulate()

    def switch(self, upstream: Upstream, rest: bytes) -> None:
        """From now on both connections only carry bytes to each other."""
        if self.transport is None or upstream.transport is None:
            upstream.drop()
            return
        early, self._after = self._after or b"", None
        mine, theirs = Side(), Side()
        for side, transport in ((mine, self.transport), (theirs, upstream.transport)):
            transport.set_protocol(side)
            side.connection_made(transport)
        mine.other, theirs.other = theirs, mine
        self._exchanges.clear()
        if early:
            upstream.transport.write(early)
        if rest:
            self.transport.write(rest)
        self.transport.resume_reading()

    def regulate(self) -> None:
        """Read on, or have the client wait: for an endpoint that takes no more, or for answers that come first."""
        if self.transport is None or self.transport.is_closing():
            return
        first = self._exchanges[0] if self._exchanges else None
        wait = first is not None and (
            len(self._exchanges) > 1
            or len(self._after or b"") > MOST_WAITING
            or first.waiting > MOST_WAITING
            or (first.upstream is not None and first.upstream.blocked)
        )
        if wait is not self._paused:
            self._paused = wait
            if wait:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    # Inside

    def _hold_answer(self) -> None:
        if self._blocked and self._exchanges and (upstream := self._exchanges[0].upstream) and upstream.transport:
            upstream.transport.pause_reading()

    def _refuse(self, exchange: Exchange, status: int) -> None:
        """Answer in the proxy's own name; where an answer has begun already, cut it."""
        if exchange.answered:
            self._shut(at_once=True)
            return
        self.write(own_answer(status, _WHY[status], close=exchange.closes, bodiless=exchange.is_head))
        self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        if self._exchanges and self._exchanges[0] is exchange:
            self._exchanges.popleft()
        exchange.upstream = None
        if not exchange.keep_alive or not exchange.complete:
            self._shut(at_once=exchange.complete)
        elif self._after is not None and exchange.wants_switch:
            rest, self._after = self._after, None
            self._parser = httptools.HttpRequestParser(self)
            if rest:
                self._feed(rest)

    def _shut(self, *, at_once: bool) -> None:
        """End the connection, where the client still sends once it has had time to read the answer."""
        self._deaf = True
        for exchange in self._exchanges:
            self._abandon(exchange)
        self._exchanges.clear()
        if self.transport is None:
            return
        if at_once:
            self.transport.close()
        else:
            self.transport.resume_reading()
            end_writing(self.transport)
            asyncio.get_running_loop().call_later(LINGER_S, self.transport.close)

    @staticmethod
    def _abandon(exchange: Exchange) -> None:
        if exchange.connecting is not None:
            exchange.connecting.cancel()
        if exchange.upstream is not None:
            exchange.upstream.drop()
            exchange.upstream = None
