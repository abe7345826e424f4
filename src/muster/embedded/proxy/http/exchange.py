"""One request of a client with its answer, and what a request must be to be passed on."""

from __future__ import annotations

import asyncio
from typing import Protocol

from muster.embedded.proxy.http.heads import Fields
from muster.embedded.proxy.http.routing import Backend, Request
from muster.embedded.proxy.http.upstream import Upstream
from muster.embedded.proxy.relay import Endpoint


class Client(Protocol):
    """The connection that a request came on."""

    def write(self, data: bytes) -> None:
        """The next bytes for the client."""

    def finish(self, exchange: Exchange) -> None:
        """An answer is complete: on to the next request."""

    def lost(self, exchange: Exchange, upstream: Upstream, status: int) -> None:
        """An endpoint has ended its connection before its answer was complete."""

    def switch(self, upstream: Upstream, rest: bytes) -> None:
        """From now on both connections only carry bytes to each other."""

    def regulate(self) -> None:
        """Read on, or have the client wait."""


class Exchange:
    """A request of a client and its answer; `upstream.Asked` to who answers it."""

    __slots__ = (
        "_client", "answered", "backend", "body", "chunked", "complete", "connecting", "endpoint", "is_head", "is_old",
        "keep_alive", "opening", "refusal", "request", "started", "upstream", "waiting", "wants_switch",
    )  # fmt: skip

    def __init__(self, client: Client) -> None:
        self._client = client
        self.request = Request(b"", b"", Fields())
        self.refusal = 0  # the status with which it is refused, whatever its routes
        self.keep_alive = self.is_head = self.is_old = self.wants_switch = self.chunked = False
        self.complete = self.started = self.answered = False
        self.body: list[bytes] = []  # what waits for the endpoint
        self.waiting = 0  # its bytes
        self.opening = b""  # what was sent to the endpoint, where that may be said twice
        self.backend: Backend
        self.endpoint: Endpoint
        self.connecting: asyncio.Task[None] | None = None
        self.upstream: Upstream | None = None

    @property
    def closes(self) -> bool:
        return not self.keep_alive or not self.complete

    def close_after(self) -> None:
        self.keep_alive = False

    def answer(self, data: bytes) -> None:
        self._client.write(data)

    def end(self) -> None:
        self._client.finish(self)

    def fail(self, upstream: Upstream, status: int) -> None:
        self._client.lost(self, upstream, status)

    def switch(self, upstream: Upstream, rest: bytes) -> None:
        self._client.switch(upstream, rest)

    def regulate(self) -> None:
        self._client.regulate()


def fault_of(request: Request, version: str) -> int:
    """The status with which a head is refused; 0 where it is sound. Brings the target into its one form."""
    fields = request.fields
    if version not in ("1.0", "1.1"):
        return 505
    if request.method == b"CONNECT":
        return 405
    if fields.is_repeated(b"host") or (fields.get(b"host") is None and version == "1.1"):
        return 400
    if request.target[:1] not in (b"/", b"*"):
        scheme, _, rest = request.target.partition(b"://")
        name, _, path = rest.partition(b"/")
        if scheme.lower() != b"http" or not name:
            return 400
        request.target = b"/" + path
        fields.set_host(name)
    return 0
