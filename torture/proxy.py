"""A proxy before an API server that fails at a call of one's choice. Each call has a connection of its own."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from muster.kube import Access

# How a call fails: it is refused before it is carried out, its answer is lost after that, nobody answers, or (a watch
# alone) it is begun and nothing comes.
WAYS = ("500", "reset", "hang", "silent")
LIMIT = 65536
ERROR = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "the proxy says so"}


@dataclass
class Plan:
    """Which calls fail and how: from the call of number `first` on, counted from 0, `calls` of them; none without. And
    what is refused whenever it is asked for: what a path with its query matches (a regular expression), by status."""

    way: str = ""
    first: int = 0
    calls: int = 1
    refused: Mapping[str, int] = field(default_factory=dict)

    def fails(self, number: int) -> bool:
        return bool(self.way) and self.first <= number < self.first + self.calls

    def refuses(self, path: str) -> int | None:
        """The status that a path is answered with, if it is refused."""
        return next((status for wanted, status in self.refused.items() if re.search(wanted, path)), None)


@dataclass
class Proxy:
    """A context manager: within its block it listens at `url`. `asked` are the calls of this plan, method and path."""

    access: Access
    plan: Plan = field(default_factory=Plan)
    asked: list[str] = field(default_factory=list)
    _listening: socket.socket | None = None
    _over: threading.Event = field(default_factory=threading.Event)  # the calls that hang end then
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        assert self._listening is not None
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listening is not None
        self._over.set()
        self._listening.close()

    def begin(self, plan: Plan) -> None:
        """From here on calls are counted anew, and fail as planned."""
        self._over.set()
        with self._lock:
            self.plan, self._over = plan, threading.Event()
            self.asked = []

    def _accept(self) -> None:
        assert self._listening is not None
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head, body = _read_request(client)
            if not head:
                return
            line = head.split(b"\r\n", 1)[0].decode("latin-1")
            with self._lock:
                number, plan, over = len(self.asked), self.plan, self._over
                self.asked.append(" ".join(line.split()[:2]))
            way = plan.way if plan.fails(number) else ""
            refused = plan.refuses(line.split()[1])
            if way == "500" or refused:
                client.sendall(_error(refused or 500))
            elif way == "hang":
                over.wait()
                _reset(client)
            else:
                self._pass_on(client, head, body, way, over)

    def _pass_on(self, client: socket.socket, head: bytes, body: bytes, way: str, over: threading.Event) -> None:
        with self._connect() as server:
            server.sendall(self._own_head(head) + body)
            if way == "silent":
                over.wait()
                return
            if way == "reset":  # carried out, and nobody is told
                server.settimeout(2.0)
                with contextlib.suppress(TimeoutError):
                    server.recv(LIMIT)
                _reset(client)
                return
            _both_ways(client, server)

    def _connect(self) -> socket.socket:
        parts = urlsplit(self.access.server)
        plain = socket.create_connection((parts.hostname or "", parts.port or 443), timeout=10)
        if parts.scheme != "https":
            return plain
        return self.access.tls.wrap_socket(plain, server_hostname=self.access.server_name or parts.hostname)

    def _own_head(self, head: bytes) -> bytes:
        """The head of a request with our credential, and, unless it is to become something else, the last one of its
        connection."""
        lines = head.rstrip(b"\r\n").split(b"\r\n")
        upgrades = any(line.lower().startswith(b"upgrade:") for line in lines)
        dropped = (b"authorization:", b"host:") if upgrades else (b"authorization:", b"host:", b"connection:")
        kept = [line for line in lines[1:] if not line.lower().startswith(dropped)]
        own = [b"Host: " + urlsplit(self.access.server).netloc.encode()]
        if (credential := self.access.authorization()) is not None:
            own.append(b"Authorization: " + credential.encode())
        if not upgrades:
            own.append(b"Connection: close")
        return b"\r\n".join([lines[0], *own, *kept]) + b"\r\n\r\n"


def _read_request(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, its empty line included, and its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(LIMIT)
        if not more:
            return b"", b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        body += client.recv(LIMIT)
    return head, body


def _both_ways(client: socket.socket, server: socket.socket) -> None:
    """Pass on what either says until one of them is gone."""
    other = {client: server, server: client}
    while True:
        pending = isinstance(server, ssl.SSLSocket) and server.pending()
        ready = [server] if pending else select.select([client, server], [], [])[0]
        for one in ready:
            data = one.recv(LIMIT)
            if not data:
                return
            other[one].sendall(data)


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _error(status: int) -> bytes:
    body = json.dumps({**ERROR, "code": status}).encode()
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json", "Connection: close"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
