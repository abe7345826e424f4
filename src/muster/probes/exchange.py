"""One HTTP request with a time limit, and what became of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import httpx
import orjson

from muster.base.clock import now
from muster.probes.outcomes import Outcome, of_os_error, of_status
from muster.system.definition import Request

Connection = Literal["new", "kept"]

KEPT_CONNECTIONS = 8
# A connection that is kept for ever pins one pod, which then bears all of the prober's requests.
RENEW_EVERY = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request. Times are CLOCK_MONOTONIC seconds."""

    sent: float
    done: float
    outcome: Outcome
    conn: Connection
    asked: bool  # at least a part of the request was handed to the network
    status: int | None = None
    body: bytes = b""
    why: str = ""  # one line; empty where the outcome is ok


class Exchange:
    """A client of one base URL that opens a new connection for a request or uses a kept one, as it is told.

    It never repeats a request. An async context manager that closes its connections.
    """

    def __init__(self, url: str) -> None:
        verify = ssl.create_default_context() if url.startswith("https") else False
        # Two pools, since a pool uses a connection that it has: one keeps none.
        self._clients: dict[bool, httpx.AsyncClient] = {
            kept: httpx.AsyncClient(
                base_url=url,
                verify=verify,
                trust_env=False,
                timeout=None,  # noqa: S113 - `send` bounds the whole of it, not each of its steps
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS if kept else 0),
                headers={"Connection": "keep-alive" if kept else "close"},
            )
            for kept in (True, False)
        }
        self._kept_sent = 0

    async def send(self, request: Request, *, kept: bool, limit_s: float) -> Answer:
        """Send a request, over a kept connection if there is one and `kept` is true, and wait at most `limit_s`.

        Raises:
            OwnLimitError: no connection could be opened for want of this process's own means.
        """
        trace = _Trace()
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        if kept:
            self._kept_sent += 1
            headers |= {"Connection": "close"} if self._kept_sent % RENEW_EVERY == 0 else {}
        sent = now()
        try:
            async with asyncio.timeout(limit_s):
                response = await self._clients[kept].request(
                    request.method,
                    request.path,
                    content=None if request.body is None else orjson.dumps(request.body),
                    headers=headers,
                    extensions={"trace": trace},
                )
        except (TimeoutError, httpx.TransportError, httpx.DecodingError) as error:
            done = now()
            outcome, why = _explain(error, limit_s)
            return Answer(sent, done, outcome, trace.conn, trace.asked, why=why)
        done = now()
        outcome, why = _judge(response, request.status)
        return Answer(
            sent,
            done,
            outcome,
            trace.conn,
            asked=True,
            status=response.status_code,
            body=response.content,
            why=why,
        )

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Trace:
    """What httpcore says of one request while it is under way."""

    def __init__(self) -> None:
        self.conn: Connection = "kept"
        self.asked = False

    async def __call__(self, name: str, _info: dict[str, Any]) -> None:
        if name == "connection.connect_tcp.started":
            self.conn = "new"
        elif name.endswith("send_request_headers.started"):
            self.asked = True


def _judge(response: httpx.Response, expected: Collection[int]) -> tuple[Outcome, str]:
    outcome = of_status(response.status_code, expected, retry_after="Retry-After" in response.headers)
    return outcome, "" if outcome is Outcome.OK else f"{response.status_code} {response.text[:100]}".strip()


def _explain(error: Exception, limit_s: float) -> tuple[Outcome, str]:
    """The outcome of a request that got no answer, and one line on it."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Outcome.TIMEOUT, f"not answered within {limit_s:g} s"
    said = str(error) or type(error).__name__
    by_system = of_os_error(error)
    if by_system is not None:
        return by_system
    if isinstance(error, httpx.RemoteProtocolError):
        # Neither httpx nor h11 tells an answer broken off from one that is not HTTP by anything but these words.
        cut = "disconnected" in said or "closed connection" in said
        return (Outcome.EMPTY if cut else Outcome.WRONG), said
    if isinstance(error, httpx.DecodingError):
        return Outcome.WRONG, said
    return (Outcome.UNREACHABLE if isinstance(error, httpx.ConnectError) else Outcome.RESET), said
