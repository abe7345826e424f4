"""pods/NAME/portforward over WebSocket: connections of the client's to ports of a pod.

kubectl, from 1.31 on, puts SPDY into the WebSocket (`SPDY/3.1+portforward.k8s.io`): for each connection it opens two
streams, one for data and one for what went wrong. The Python client has a pair of channels for each port of the
query (`v4.channel.k8s.io`), each beginning with the port's number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from muster.embedded.api.call import Call
from muster.embedded.api.streams.spdy import Connection, Inbox, ProtocolError, Stream
from muster.embedded.status import bad_request

_TUNNEL, _CHANNELS = "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"
_PIECE = 64 * 1024  # bytes
_PROTOCOL_ERROR = 1002
_MOST_PORTS = 127  # each has two of the 255 channels

Source = Callable[[], Awaitable[bytes]]  # the next piece; b"" at the end
Sink = Callable[[bytes], Awaitable[None]]


async def run(call: Call) -> web.StreamResponse:
    """Forward until the client goes. Raises `StatusError`: 400, 404."""
    call.require("create")  # also where a WebSocket is asked for with GET
    pod = call.store.stored(call.resource, call.namespace, call.target.name).shared
    status = pod.get("status") or {}
    if status.get("phase") != "Running" or not status.get("podIP"):
        phase = status.get("phase", "Pending")
        raise bad_request(f"unable to forward port because pod is not running. Current status={phase}")
    socket = web.WebSocketResponse(protocols=(_TUNNEL, _CHANNELS), heartbeat=30, max_msg_size=0, compress=False)
    ready = socket.can_prepare(call.request)
    if not ready.ok or not ready.protocol:
        raise bad_request(f"only WebSocket connections that speak {_TUNNEL} or {_CHANNELS} are served here")
    ports = _ports(call) if ready.protocol == _CHANNELS else []
    await socket.prepare(call.request)
    forwarding = _Channels(socket, status["podIP"], ports) if ports else _Tunnel(socket, status["podIP"])
    try:
        await forwarding.run()
    finally:
        await forwarding.stop()
    return socket


def _ports(call: Call) -> list[int]:
    """The ports of the query. Raises `StatusError` 400."""
    texts = [text for value in call.request.query.getall("ports", []) for text in value.split(",")]
    if not 0 < len(texts) <= _MOST_PORTS or not all(map(_is_port, texts)):
        raise bad_request(f"query parameter ports: '{','.join(texts)}' is no list of ports")
    return [int(text) for text in texts]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536


class _Forwarding:
    """What the two ways have in common: tasks that end with the connection."""

    def __init__(self, socket: web.WebSocketResponse, host: str) -> None:
        self.socket = socket
        self.host = host
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take what the client sends, until it goes."""
        async for message in self.socket:
            if message.type != WSMsgType.BINARY:
                break
            await self.take(message.data)

    async def take(self, data: bytes) -> None:
        """Take one message."""
        raise NotImplementedError

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End the connections that are left."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def send(self, data: bytes) -> None:
        """Send one message, unless the client has gone."""
        with suppress(ConnectionError):
            await self.socket.send_bytes(data)


class _Tunnel(_Forwarding):
    """SPDY in the WebSocket: any number of connections to any port."""

    def __init__(self, socket: web.WebSocketResponse, host: str) -> None:
        super().__init__(socket, host)
        self._spdy = Connection(self.send, self._accept)
        self._waiting: dict[str, Stream] = {}  # by the number of their connection: streams without their fellow

    async def take(self, data: bytes) -> None:
        try:
            await self._spdy.feed(data)
        except ProtocolError as error:
            await self.socket.close(code=_PROTOCOL_ERROR, message=str(error).encode()[:120])

    def _accept(self, stream: Stream) -> None:
        number = stream.headers.get("requestid", "")
        fellow = self._waiting.pop(number, None)
        if fellow is None:
            self._waiting[number] = stream
            return
        data, error = (stream, fellow) if stream.headers.get("streamtype") == "data" else (fellow, stream)
        self.spawn(self._forward(data, error))

    async def _forward(self, data: Stream, error: Stream) -> None:
        text = data.headers.get("port", "")
        port = int(text) if _is_port(text) else 0
        relaying = asyncio.create_task(relay(self.host, port, data.inbox.read, data.write))
        leaving = asyncio.create_task(data.reset.wait())
        try:
            await asyncio.wait((relaying, leaving), return_when=asyncio.FIRST_COMPLETED)
            if relaying.done() and (why := relaying.result()):
                await error.write(why.encode())
        finally:
            relaying.cancel()
            leaving.cancel()
            data.inbox.discard()
        await error.close()
        await data.close()


class _Channels(_Forwarding):
    """Two channels for each port: one for data, one for what went wrong."""

    def __init__(self, socket: web.WebSocketResponse, host: str, ports: list[int]) -> None:
        super().__init__(socket, host)
        self._ports = ports
        self._inboxes = [Inbox() for _ in ports]

    async def run(self) -> None:
        for i, port in enumerate(self._ports):
            for channel in (2 * i, 2 * i + 1):
                await self.send(bytes([channel]) + port.to_bytes(2, "little"))
            self.spawn(self._forward(i, port))
        await super().run()

    async def take(self, data: bytes) -> None:
        channel, rest = divmod(data[0], 2) if data else (len(self._inboxes), 0)
        if channel < len(self._inboxes) and not rest and len(data) > 1:
            await self._inboxes[channel].put(data[1:])

    async def _forward(self, number: int, port: int) -> None:
        async def send(data: bytes) -> None:
            await self.send(bytes([2 * number]) + data)

        why = await relay(self.host, port, self._inboxes[number].read, send)
        self._inboxes[number].discard()
        if why:
            await self.send(bytes([2 * number + 1]) + why.encode())
        if len(self._ports) == 1:
            await self.socket.close()


async def relay(host: str, port: int, source: Source, sink: Sink) -> str:
    """Carry data to a port and back until the other side has ended; what went wrong, or nothing."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return f"failed to connect to {host}:{port} of the pod: {error.strerror or error}"
    sending = asyncio.create_task(_carry(source, writer))
    try:
        while data := await reader.read(_PIECE):
            await sink(data)
    except ConnectionError as error:
        return f"lost connection to pod: {error}"
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        writer.close()
    return ""


async def _carry(source: Source, writer: asyncio.StreamWriter) -> None:
    """Carry what the client sends; a pod that does not want it any more says so on the other way."""
    with suppress(ConnectionError):
        while data := await source():
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
