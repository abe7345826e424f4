"""HTTP for a load generator: connections that are kept for a number of requests, and never a hidden second try."""

from __future__ import annotations

import select
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import gevent
from gevent import monkey, socket
from gevent import ssl as gevent_ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketResponse

from muster.base.clock import now
from muster.load.destination import Destination
from muster.load.only_way import own_way
from muster.probes.http.outcomes import Outcome, of_os_error
from muster.system.trust import believing

# The plain one: a look at a socket that does not wait needs no turn of gevent's loop.
_poll = monkey.get_original("select", "poll")

IDLE_S = 2.0  # servers close idle connections after 5 s and more; one used just then would be reset by nobody's fault
BLOCK = 65536
_BROKEN_OFF = ("closed", "Incomplete", "EOF")


class NoAnswerError(Exception):
    """A request that got no answer: its outcome, and one line on it."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.conn: Literal["new", "kept"] = "new"


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    used: int = 0
    idle_since: float = 0.0

    def usable(self, moment: float) -> bool:
        """Whether it may carry another request: not idle for long, and with nothing to read, an end included."""
        if moment - self.idle_since > IDLE_S:
            return False
        poll = _poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        return not poll.poll(0)


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    retry_after: bool
    conn: Literal["new", "kept"]


class Connections:
    """Connections to one address, each closed after `renew_after` requests, so that a Service spreads them anew."""

    def __init__(self, to: Destination, *, limit_s: float, renew_after: int) -> None:
        self._to = to
        self._tls: ssl.SSLContext | None = believing(gevent_ssl.create_default_context()) if to.tls else None
        self._limit_s = limit_s
        self._renew_after = renew_after
        self._idle: deque[_Connection] = deque()
        self._common = f"Host: {to.name}\r\nUser-Agent: muster\r\nAccept: application/json\r\n"

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Send one request and return the answer; that takes at most `limit_s` seconds.

        Raises:
            NoAnswerError: there was none, or it was not HTTP.
            OwnLimitError: no connection could be opened for want of this process's own means.
        """
        connection = self._idle_connection()
        kept: Literal["new", "kept"] = "kept" if connection else "new"
        try:
            with gevent.Timeout(self._limit_s):
                if connection is None:
                    connection = self._connect()
                connection.socket.sendall(self._head(method, path, body, headers) + (body or b""))
                response = HTTPSocketResponse(connection.socket, block_size=BLOCK, method=method)
                content = response.read()
        except BaseException as error:  # the greenlet's end included: whatever it was, the connection is of no more use
            if connection:
                connection.socket.close()
            if not isinstance(error, gevent.Timeout | OSError | HTTPParseError):
                raise
            failure = self._explain(error)
            failure.conn = kept
            raise failure from error
        self._put_back(connection, done=response.should_close())
        return Reply(response.status_code, content, "retry-after" in response, kept)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().socket.close()

    def _idle_connection(self) -> _Connection | None:
        """The connection used last, so that those not needed grow old."""
        moment = now()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable(moment):
                return connection
            connection.socket.close()
        return None

    def _put_back(self, connection: _Connection, *, done: bool) -> None:
        connection.used += 1
        connection.idle_since = now()
        if done or connection.used >= self._renew_after:
            connection.socket.close()
        else:
            self._idle.append(connection)
        while self._idle and connection.idle_since - self._idle[0].idle_since > IDLE_S:
            self._idle.popleft().socket.close()

    def _connect(self) -> _Connection:
        with own_way():
            connected = socket.create_connection((self._to.host, self._to.port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connected = self._tls.wrap_socket(connected, server_hostname=self._to.host)
        return _Connection(connected)

    def _head(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        return f"{method} {self._to.prefix}{path} HTTP/1.1\r\n{self._common}{length}{lines}\r\n".encode()

    def _explain(self, error: BaseException) -> NoAnswerError:
        if isinstance(error, gevent.Timeout):
            return NoAnswerError(Outcome.TIMEOUT, f"not answered within {self._limit_s:g} s")
        by_system = of_os_error(error)
        if by_system is not None:
            return NoAnswerError(*by_system)
        # Beyond that, only the words tell an answer broken off from one that is not HTTP.
        cut = isinstance(error, HTTPConnectionClosed) or any(word in str(error) for word in _BROKEN_OFF)
        return NoAnswerError(Outcome.EMPTY if cut else Outcome.WRONG, str(error))
