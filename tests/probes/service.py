"""A real server on a loopback port that can be told how to misbehave: what clients of an outage meet."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from muster.system.definition import LedgerSpec, ReadProbe, SystemDefinition

HANG = "hang"  # take the request, never answer
RESET = "reset"  # take the request, break the connection
EMPTY = "empty"  # take the request, close the connection
CUT_EARLY = "cut early"  # close the connection in the middle of the answer's head
CUT = "cut"  # close the connection in the middle of the answer
GARBAGE = "garbage"  # answer with what is not HTTP
RESET_KEPT = "reset kept"  # serve the first request of a connection, break it at the second


class Service:
    """A store of documents by id: POST /items, GET /items/{id}, under whatever name; GET /status. A context manager.

    `behaviour` is None (serve), one of the words above, or a status to answer everything with; `delay` seconds pass
    before each answer; `stall` keeps all answers back until `resume`. `store` may be changed to lose or alter what was
    written, and `pages` holds documents by path. `close_port` and `open_port` refuse and accept.
    """

    def __init__(self) -> None:
        self.behaviour: str | int | None = None
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.store: dict[str, Any] = {}
        self.pages: dict[str, Any] = {}
        self.forgetful = False  # acknowledge, but do not keep
        self.garbling = False  # acknowledge, but keep something else
        self.stubborn = False  # remove nothing
        self.requests: list[tuple[str, str]] = []
        self.times: list[float] = []  # when each of them came, CLOCK_MONOTONIC seconds
        self.heard: list[dict[str, str]] = []  # the headers of each
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open_port(self) -> None:
        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=2048)
            self.port = self._server.sockets[0].getsockname()[1]

        self._call(start())

    def close_port(self) -> None:
        """Refuse new connections and break the present ones, as a process that was killed does."""

        async def stop() -> None:
            assert self._server is not None
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()

        self._call(stop())

    def refuse_new(self) -> None:
        """Refuse new connections and go on serving the present ones."""

        async def stop() -> None:
            assert self._server is not None
            self._server.close()

        self._call(stop())

    def stall(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def resume(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)

    def __enter__(self) -> Self:
        self._thread.start()
        self.open_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_port()
        self._call(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    async def _cancel_all(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            kept = False
            while await self._answer_one(reader, writer, kept=kept):
                kept = True
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client's end of it, or the test's; a cancelled handler would be reported as a failure
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, kept: bool) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        self.requests.append((method, target))
        self.times.append(time.monotonic())
        self.heard.append(fields)
        await asyncio.sleep(self.delay)
        await self._flowing.wait()
        behaviour = (RESET if kept else None) if self.behaviour == RESET_KEPT else self.behaviour
        if isinstance(behaviour, str):
            return await self._misbehave(behaviour, writer)
        status, document = (behaviour, "as told") if behaviour else self._act(method, target, body)
        payload = json.dumps(document).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(payload)}\r\n{extra}\r\n".encode() + payload)
        await writer.drain()
        return fields.get("connection", "") != "close"

    async def _misbehave(self, how: str, writer: asyncio.StreamWriter) -> bool:
        if how == HANG:
            await asyncio.sleep(30)
        elif how == RESET:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == CUT:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
        elif how == CUT_EARLY:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        elif how == GARBAGE:
            writer.write(b"220 mail.example ready\r\n\r\n")
        return False

    def _remove(self, key: str) -> tuple[int, Any]:
        if self.stubborn:
            return 405, {"error": "nothing is ever removed"}
        return (200, {}) if self.store.pop(key, None) else (404, {})

    def _act(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        if method == "POST":
            document = json.loads(body)
            if not self.forgetful:
                self.store[document["id"]] = {**document, "a": {"b": "garbled"}} if self.garbling else document
            return 201, {"id": document["id"]}
        if method == "DELETE":
            return self._remove(url.path.rpartition("/")[2])
        if url.path in self.pages:
            return 200, self.pages[url.path]
        if url.path == "/search":
            wanted = parse_qs(url.query)["id"][0]
            return 200, {"items": [item for key, item in self.store.items() if key.split("#")[0] == wanted]}
        if url.path.count("/") == 2:
            document = self.store.get(url.path.rpartition("/")[2])
            return (200, document) if document else (404, {"error": "no such item"})
        return 200, {"status": {"ok": True}}


def system_of(
    *, every_s: float = 0.02, limit_s: float = 0.4, search: bool = False, **prober: float
) -> SystemDefinition:
    """A definition of the system that `Service` stands for; with `search` a read answers with a list."""
    read = {"path": "/search?id={id}"} if search else {"path": "/items/{id}"}
    ledger = LedgerSpec.model_validate(
        {
            "create": {
                "method": "POST",
                "path": "/items",
                "status": [201],
                "body": {"id": "{id}", "a": {"b": "{content}"}},
            },
            "read": read,
            "id": "items.id" if search else "id",
            "content": "items.a.b" if search else "a.b",
            "every_s": every_s,
            "limit_s": limit_s,
        }
    )
    probe = ReadProbe.model_validate(
        {"request": {"path": "/status"}, "contains": "status.ok", "every_s": every_s, "limit_s": limit_s}
    )
    return SystemDefinition.model_validate(
        {
            "schema": "muster/system/v1",
            "name": "items",
            "namespace": "items",
            "service": {"name": "items", "port": 8080},
            "read": probe,
            "ledger": ledger,
            "prober": prober,
        }
    )


@contextmanager
def silent_port() -> Iterator[str]:
    """The URL of a port that takes no connection and refuses none: its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        try:
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            for filler in fillers:
                filler.close()


def unused_port() -> int:
    """A port that refuses connections (unless somebody takes it now)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
