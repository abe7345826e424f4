"""One HTTP request with a time limit, and what became of it.

The client is our own, since a prober must stay cheap: on a machine that is short of processors one that costs a
millisecond a request falls behind, and takes its own delay for the service's.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote, urlsplit

import orjson

from muster.base.clock import now
from muster.base.errors import UsageError
from muster.probes.http.connection import IDLE_S, Connection, Heard
from muster.probes.http.outcomes import Outcome, of_os_error, of_status
from muster.probes.http.reply import BrokenOffError, Headers, NotHttpError, Reply
from muster.system.definition import Request
from muster.system.headers import of_environment, resolved, to_environment
from muster.system.trust import believing

Kind = Literal["new", "kept"]

KEPT_CONNECTIONS = 8
# A connection that is kept for ever pins one pod, which then bears all of the prober's requests.
RENEW_EVERY = 20
_URL_SAFE = "%/?:@!$&'()*+,;=~[]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request. Times are CLOCK_MONOTONIC seconds.

    An answer that came is told as it is even if this process came to read it after the limit: `done` tells.
    """

    sent: float
    done: float
    outcome: Outcome
    conn: Kind
    asked: bool  # at least a part of the request was handed to the network
    status: int | None = None
    body: bytes = b""
    why: str = ""  # one line; empty where the outcome is ok
    headers: Headers = ()


class Exchange:
    """A client of one base URL that opens a new connection for a request or uses a kept one, as it is told.

    It never repeats a request. An async context manager that closes its connections.
    """

    def __init__(self, url: str) -> None:
        """Prepare; nothing is opened yet.

        Raises:
            UsageError: the URL names no host that can be reached over HTTP, or a secret that headers name is not set.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except ValueError as error:
            raise UsageError(f"'{url}' is not the URL of a service: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise UsageError(f"'{url}' is not the URL of a service; it must look like http://host:port")
        self._host, self._port = host, port or (443 if parts.scheme == "https" else 80)
        self._tls = believing(ssl.create_default_context()) if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/")
        self._names = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "muster", "Accept": "*/*"}
        self._names = _overridden(self._names, of_environment())
        self._common = _lines(self._names)
        self._headed: dict[str, str] = {}  # by what requests say of their headers, in place of what all have
        self._idle: list[Connection] = []

    async def send(self, request: Request, *, kept: bool, limit_s: float) -> Answer:
        """Send a request, over a kept connection if there is one and `kept` is true, and wait at most `limit_s`.

        Raises:
            OwnLimitError: no connection could be opened for want of this process's own means.
        """
        connection = self._idle_connection() if kept else None
        conn: Kind = "kept" if connection else "new"
        asked, reusable = False, False
        sent = now()
        try:
            if connection is None:
                async with asyncio.timeout(limit_s):
                    connection = await self._connect(limit_s)
            keep = kept and connection.used + 1 < RENEW_EVERY
            asked = True
            heard = await connection.ask(self._message(request, keep=keep), limit_s=sent + limit_s - now())
            reusable = keep and isinstance(heard.what, Reply) and heard.what.reusable
        except OSError as error:  # TimeoutError included
            heard = Heard(now(), error)
        finally:
            if connection is not None:
                self._put_back(connection, reusable=reusable)
        if isinstance(heard.what, Exception):
            outcome, why = _explain(heard.what, limit_s)
            return Answer(sent, heard.at, outcome, conn, asked, why=why)
        outcome, why = _judge(heard.what, request)
        return Answer(sent, heard.at, outcome, conn, asked, heard.what.status, heard.what.body, why, heard.what.headers)

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
        await asyncio.sleep(0)  # the loop's turn to close the sockets

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _idle_connection(self) -> Connection | None:
        """The connection used last, so that those not needed grow old."""
        moment = now()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable(moment):
                return connection
            connection.close()
        return None

    def _put_back(self, connection: Connection, *, reusable: bool) -> None:
        moment = now()
        if reusable:
            self._idle.append(connection)
        else:
            connection.close()
        while self._idle and (len(self._idle) > KEPT_CONNECTIONS or self._idle[0].idle_for(moment) > IDLE_S):
            self._idle.pop(0).close()

    async def _connect(self, limit_s: float) -> Connection:
        """A new connection: to the first of the host's addresses that takes one, each given its share of the time."""
        deadline = now() + limit_s
        *others, last = await self._addresses()
        for tried, address in enumerate(others):
            try:
                async with asyncio.timeout((deadline - now()) / (len(others) + 1 - tried)):
                    return await self._connect_to(address)
            except OSError:  # TimeoutError included
                continue
        return await self._connect_to(last)

    async def _connect_to(self, address: str) -> Connection:
        name = self._host if self._tls else None
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            Connection, address, self._port, ssl=self._tls, server_hostname=name
        )
        return connection

    async def _addresses(self) -> list[str]:
        """The host's numeric addresses: asked anew for each connection, since they may change when it fails over."""
        if _is_numeric(self._host):
            return [self._host]
        found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def _message(self, request: Request, *, keep: bool) -> bytes:
        body = b"" if request.body is None else orjson.dumps(request.body)
        about = "" if request.body is None else "Content-Type: application/json\r\n"
        if request.body is not None or request.method in ("POST", "PUT", "PATCH"):
            about += f"Content-Length: {len(body)}\r\n"
        head = (
            f"{request.method} {self._prefix}{quote(request.path, safe=_URL_SAFE)} HTTP/1.1\r\n"
            f"{self._common if not request.headers else self._of(request)}{about}"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        )
        return head.encode() + body

    def _of(self, request: Request) -> str:
        """The headers of a request that has some of its own, each secret of them asked of the environment once."""
        known = to_environment(request.headers)
        if known not in self._headed:
            self._headed[known] = _lines(_overridden(self._names, resolved(request.headers)))
        return self._headed[known]


def _overridden(names: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Headers with others in the place of those that are called so, whatever their capitals."""
    replaced = {name.lower() for name in more}
    return {**{name: value for name, value in names.items() if name.lower() not in replaced}, **more}


def _lines(names: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in names.items())


def _is_numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def _judge(reply: Reply, request: Request) -> tuple[Outcome, str]:
    outcome = of_status(reply.status, request.status, retry_after=reply.retry_after)
    if outcome is Outcome.OK:
        return outcome, ""
    return outcome, f"{reply.status} {reply.body[:100].decode(errors='replace')}".strip()


def _explain(error: Exception, limit_s: float) -> tuple[Outcome, str]:
    """The outcome of a request that got no answer, and one line on it."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return Outcome.TIMEOUT, f"not answered within {limit_s:g} s"
    by_system = of_os_error(error)
    if by_system is not None:
        return by_system
    said = str(error) or type(error).__name__
    if isinstance(error, BrokenOffError):
        return Outcome.EMPTY, said
    if isinstance(error, NotHttpError):
        return Outcome.WRONG, said
    return (Outcome.RESET if isinstance(error, ConnectionError) else Outcome.UNREACHABLE), said
