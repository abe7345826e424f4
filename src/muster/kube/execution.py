"""Commands in containers: exec over WebSocket, protocol v4.channel.k8s.io."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketConnectionClosedException,
    WebSocketException,
    WebSocketTimeoutException,
)

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.kube.access import Access
from muster.kube.errors import ApiError

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS = 0, 1, 2, 3  # a frame begins with the number of its channel
FRAME = 32768  # bytes of standard input in one: servers cut what is much longer


@dataclass(frozen=True)
class ExecResult:
    """What a command in a container printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


def execute(
    access: Access,
    path: str,
    command: Sequence[str],
    *,
    container: str | None,
    within: float,
    what: str,
    agent: str = "muster",
) -> ExecResult:
    """Run a command by the subresource `exec` at `path`; `what` names command and pod in a message, `agent` who asks.

    Raises:
        ApiError: with code 403 where it is forbidden.
        ClusterError: it could not be run, or did not end within so many seconds.
    """
    deadline = now() + within
    url = _exec(path, command, container)
    with _connected(access, url, within, what, agent) as socket, _explained(what, within):
        channels = _read_all(socket, deadline)
    said = {channel: bytes(data).decode(errors="replace") for channel, data in channels.items()}
    return ExecResult(exit_code(said.get(STATUS, "")), said.get(STDOUT, ""), said.get(STDERR, ""))


@contextmanager
def reading(
    access: Access,
    path: str,
    command: Sequence[str],
    *,
    container: str | None,
    idle: float,
    what: str,
    agent: str = "muster",
) -> Iterator[ExecReader]:
    """Run a command and read what it prints, as it comes; what was not read by the end of the block is given up.

    Raises:
        ApiError, ClusterError: as `execute`; `idle` is for how many seconds it may print nothing.
    """
    with _connected(access, _exec(path, command, container), idle, what, agent) as socket:
        yield ExecReader(socket, what)


def write(
    access: Access,
    path: str,
    command: Sequence[str],
    chunks: Iterable[bytes],
    *,
    container: str | None,
    idle: float,
    what: str,
    agent: str = "muster",
) -> ExecResult:
    """Run a command, give it `chunks` on its standard input, and wait for its end.

    The command must know by itself where its input ends (`head -c`): before version 5 of the protocol that cannot be
    told.

    Raises:
        ApiError, ClusterError: as `execute`; `idle` is for how many seconds nothing may move.
    """
    url = _exec(path, command, container, stdin=True)
    with _connected(access, url, idle, what, agent) as socket, _explained(what, idle):
        try:
            for chunk in chunks:
                for start in range(0, len(chunk), FRAME):
                    socket.send_binary(bytes([STDIN]) + chunk[start : start + FRAME])
        except (BrokenPipeError, ConnectionResetError, WebSocketConnectionClosedException):
            pass  # it ended before it had read all: what it said tells why
        channels = _read_all(socket, now() + idle)
    said = {channel: bytes(data).decode(errors="replace") for channel, data in channels.items()}
    return ExecResult(exit_code(said.get(STATUS, "")), said.get(STDOUT, ""), said.get(STDERR, ""))


class ExecReader(io.RawIOBase):
    """What a command in a container prints, as a file that is read once; its end tells how the command ended."""

    def __init__(self, socket: WebSocket, what: str) -> None:
        self._socket, self._what = socket, what
        self._left = memoryview(b"")
        self._stderr, self._status = bytearray(), bytearray()
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of the buffer.

        Raises:
            ClusterError: the command failed, with its own words; the connection broke off, or was silent too long.
        """
        with _explained(self._what, self._socket.gettimeout() or 0.0):
            while not self._left and not self._ended:
                self._next()
        count = min(len(self._left), len(buffer))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _next(self) -> None:
        try:
            opcode, data = self._socket.recv_data()
        except WebSocketConnectionClosedException:
            if not self._status:
                raise
            opcode, data = ABNF.OPCODE_CLOSE, b""
        if opcode == ABNF.OPCODE_CLOSE:
            self._ended = True
            if code := exit_code(self._status.decode(errors="replace")):
                said = self._stderr.decode(errors="replace").strip().splitlines()
                raise ClusterError(
                    f"{self._what} ended with exit code {code}: {said[-1] if said else 'it said nothing'}"
                )
        elif data and data[0] == STDOUT:
            self._left = memoryview(data)[1:]
        elif data and data[0] == STDERR:
            self._stderr += data[1:]
        elif data and data[0] == STATUS:
            self._status += data[1:]


def _exec(path: str, command: Sequence[str], container: str | None, *, stdin: bool = False) -> str:
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    query += [("container", container)] if container else []
    query += [("stdin", "true")] if stdin else []
    return f"{path}?{urlencode(query)}"


@contextmanager
def _explained(what: str, within: float) -> Iterator[None]:
    """Tell in one sentence what kept a command from being run to its end."""
    try:
        yield
    except WebSocketTimeoutException:
        raise ClusterError(f"{what} did not end within {within:g} s") from None
    except WebSocketBadStatusException as error:
        if error.status_code == 403:
            raise ApiError(f"{what} may not be run: {_refusal(error)}", code=403, reason="Forbidden") from None
        raise ClusterError(f"{what} cannot be run: {_refusal(error)}") from None
    except (WebSocketException, OSError) as error:
        raise ClusterError(f"{what} cannot be run: {str(error) or type(error).__name__}") from None


@contextmanager
def _connected(access: Access, url: str, within: float, what: str, agent: str) -> Iterator[WebSocket]:
    with _explained(what, within):
        socket = _opened(access, url, within, agent)
    try:
        yield socket
    finally:
        socket.close(timeout=0)


def _opened(access: Access, path: str, within: float, agent: str) -> WebSocket:
    sslopt: dict[str, Any] = {"context": access.tls, "cert_reqs": access.tls.verify_mode}
    if access.server_name:
        sslopt["server_hostname"] = access.server_name
    if not access.verifies:
        sslopt["check_hostname"] = False
    socket = WebSocket(sslopt=sslopt, skip_utf8_validation=True)
    socket.settimeout(within)
    headers = [
        f"{name.decode()}: {value.decode()}" for name, value in [*access.headers(), (b"User-Agent", agent.encode())]
    ]
    url = f"ws{access.server.removeprefix('http')}{path}"
    connect: Any = socket.connect
    connect(url, header=headers, subprotocols=[PROTOCOL], suppress_origin=True, **_proxy(access.proxy))
    return socket


def _proxy(url: str | None) -> dict[str, Any]:
    if url is None:
        return {"http_no_proxy": ["*"]}  # else it takes one from the environment on its own
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ClusterError("exec cannot go through a proxy that itself speaks TLS; right would be an http:// proxy")
    found: dict[str, Any] = {"http_proxy_host": parts.hostname, "http_proxy_port": parts.port or 80}
    found["http_no_proxy"] = ["-"]  # no host: the environment's own list is not asked again
    if parts.username is not None:
        found["http_proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    return found


def _read_all(socket: WebSocket, deadline: float) -> dict[int, bytearray]:
    """What came over each channel until the server hung up."""
    channels: dict[int, bytearray] = {}
    while True:
        left = deadline - now()
        if left <= 0:
            raise WebSocketTimeoutException
        socket.settimeout(left)
        try:
            opcode, data = socket.recv_data()
        except WebSocketConnectionClosedException:
            if STATUS not in channels:
                raise
            return channels
        if opcode == ABNF.OPCODE_CLOSE:
            return channels
        if data:
            channels.setdefault(data[0], bytearray()).extend(data[1:])


def exit_code(status: str) -> int:
    """The exit code told in the Status object that ends an exec.

    Raises:
        ClusterError: it tells of none.
    """
    try:
        answer = json.loads(status) if status else {}
        if answer.get("status") == "Success":
            return 0
        for cause in (answer.get("details") or {}).get("causes") or []:
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
        message = answer.get("message")
    except (ValueError, AttributeError, KeyError, TypeError):
        message = "the server ended it with what is no Status"
    raise ClusterError(f"exec failed: {message or 'the connection ended without a result'}")


def _refusal(error: WebSocketBadStatusException) -> str:
    """What the API server has against it."""
    try:
        message = json.loads(error.resp_body or b"")["message"]
    except (ValueError, KeyError, TypeError):
        message = None
    return str(message or f"the server answered {error.status_code}")
