"""The scripted service: a process that is out of order exactly when it is told, and says when it really was.

    python -m selfcheck.service

It serves GET /status, POST /items and GET /items/{id} on an address of its own in 127.0.0.0/8, which it prints as its
first line. Each line of its standard input is a list of outages in CLOCK_MONOTONIC seconds; each line that it prints
is one outage that is over: [before, after] of the switch into it and of the switch back, and when the first and the
last of its requests were failed. The end of its input ends it.

A request is decided upon at the moment at which it is answered, 1 to 5 ms after it came (or as `--answers` says).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import uvloop

from muster.base.clock import now
from muster.verdict.testing import Outage

PORT = 8080  # below the ports that the system gives to clients, or one of them might be connected to itself
RESET = struct.pack("ii", 1, 0)
EARLY_S = 0.003  # the loop's timers count in whole milliseconds: wake early, then wait for the moment itself


@dataclass(frozen=True, slots=True)
class Answers:
    """How long a healthy answer takes: `usual` at random, and now and then `rare_s`. Seconds."""

    usual: tuple[float, float] = (0.001, 0.005)
    rare_s: float = 0.06
    rarely: float = 0.0

    def draw(self) -> float:
        return self.rare_s if random.random() < self.rarely else random.uniform(*self.usual)


@dataclass
class Service:
    """What all connections share: the store, and the outage that is now."""

    answers: Answers
    outage: Outage | None = None
    store: dict[str, Any] = field(default_factory=dict)
    connections: set[Connection] = field(default_factory=set)
    address: tuple[str, int] = ("", 0)
    harmed: list[float] = field(default_factory=list)
    _listener: socket.socket | None = None

    def listen(self) -> None:
        """Accept connections, on the same address each time.

        Raises:
            OSError: the address is taken.
        """
        listener = socket.socket()
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(self.address if self.address[0] else (_some_address(), PORT))
        except OSError:
            listener.close()
            raise
        listener.listen(4096)
        self.address, self._listener = listener.getsockname(), listener
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def refuse(self) -> None:
        """Refuse new connections; those that wait to be accepted are reset."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def begin(self, outage: Outage) -> None:
        """Enter an outage."""
        self.outage, self.harmed = outage, []
        if outage.how == "refused":
            self.refuse()
        if outage.breaks_connections():
            for connection in list(self.connections):
                if outage.only != "kept" or connection.answered:
                    connection.reset()

    def end(self) -> None:
        """Be well again."""
        self.outage = None
        if self._listener is None:
            self.listen()

    def met(self, *, write: bool, kept: bool) -> Outage | None:
        """The outage that a request meets now, if any."""
        outage = self.outage
        if outage is None or not outage.strikes(write=write, kept=kept) or outage.how == "refused":
            return None
        if random.random() >= outage.share:
            return None
        self.harmed.append(now())
        return outage

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                loop = asyncio.get_running_loop()
                task = loop.create_task(loop.connect_accepted_socket(lambda: Connection(self), accepted))
                task.add_done_callback(lambda done: done.exception())


class Connection(asyncio.Protocol):
    """One client's connection: small requests, one at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._data = b""
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's, which does not derive from it
        self._service.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._service.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) < int(length.partition(b"\r\n")[0] or 0):
            return
        self._data = b""
        asyncio.get_running_loop().call_later(self._service.answers.draw(), self._decide, head, body)

    def reset(self) -> None:
        """Break it, with what is under way."""
        if not self._transport.is_closing():
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort()

    def _decide(self, head: bytes, body: bytes) -> None:
        method, _, rest = head.decode().partition(" ")
        path = rest.partition(" ")[0]
        outage = self._service.met(write=method == "POST", kept=self.answered > 0)
        how = outage.how if outage else ""
        if how == "timeout":
            return
        if how == "reset":
            self.reset()
        elif how == "error":
            self._answer(*random.choice(((500, {"error": "broken"}), (503, {"error": "overloaded"}))))
        elif how == "wrong":
            self._answer(201 if method == "POST" else 200, {"strange": path})
        else:
            answer = self._act(method, path, body)
            if outage is None:
                self._answer(*answer)
            else:
                asyncio.get_running_loop().call_later(outage.slow_s, self._answer, *answer)

    def _act(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        store = self._service.store
        if method == "POST":
            document = orjson.loads(body)
            store[document["id"]] = document
            return 201, {"id": document["id"]}
        if path == "/status":
            return 200, {"status": {"ok": True}}
        document = store.get(path.rpartition("/")[2])
        return (200, document) if document else (404, {"error": "no such item"})

    def _answer(self, status: int, document: Any) -> None:
        self.answered += 1
        payload = orjson.dumps(document)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + payload)


def _some_address() -> str:
    return f"127.{random.randrange(64, 128)}.{random.randrange(256)}.{random.randrange(1, 255)}"


async def _until(moment: float) -> None:
    await asyncio.sleep(max(moment - now() - EARLY_S, 0))
    while now() < moment:  # noqa: ASYNC110  # a timer would be a millisecond late
        await asyncio.sleep(0)


async def _follow(service: Service, outages: list[Outage]) -> None:
    """Carry a script out, and print what truly came of it."""
    for outage in outages:
        switches = []
        for moment, switch in ((outage.start, lambda one=outage: service.begin(one)), (outage.end, service.end)):
            await _until(moment)
            before = now()
            switch()
            switches.append([before, now()])
        harmed = [service.harmed[0], service.harmed[-1]] if service.harmed else None
        _say({"planned": [outage.start, outage.end], "began": switches[0], "ended": switches[1], "harmed": harmed})


def _say(what: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(what) + b"\n")
    sys.stdout.flush()


async def serve(answers: Answers) -> None:
    """Serve until standard input ends."""
    service = Service(answers)
    for tries_left in reversed(range(20)):
        try:
            service.listen()
            break
        except OSError:
            if not tries_left:
                raise
    _say(service.address)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        script = [Outage(**{**one, "streams": frozenset(one["streams"])}) for one in orjson.loads(line)]
        await _follow(service, script)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m selfcheck.service", description="the scripted service")
    parser.add_argument("--answers", type=float, nargs=2, default=[0.001, 0.005], metavar="S", help="least and most")
    parser.add_argument("--rarely", type=float, default=0.0, help="ratio of answers that take 60 ms")
    options = parser.parse_args()
    uvloop.run(serve(Answers(usual=tuple(options.answers), rarely=options.rarely)))


if __name__ == "__main__":
    main()
