"""Commands in containers: exec over WebSocket, protocol v4.channel.k8s.io."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
STDOUT, STDERR, STATUS = 1, 2, 3  # a frame begins with the number of its channel


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
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    query += [("container", container)] if container else []
    deadline = now() + within
    try:
        socket = _opened(access, f"{path}?{urlencode(query)}", within, agent)
        try:
            channels = _read_all(socket, deadline)
        finally:
            socket.close(timeout=0)
    except WebSocketTimeoutException:
        raise ClusterError(f"{what} did not end within {within:g} s") from None
    except WebSocketBadStatusException as error:
        if error.status_code == 403:
            raise ApiError(f"{what} may not be run: {_refusal(error)}", code=403, reason="Forbidden") from None
        raise ClusterError(f"{what} cannot be run: {_refusal(error)}") from None
    except (WebSocketException, OSError) as error:
        raise ClusterError(f"{what} cannot be run: {str(error) or type(error).__name__}") from None
    said = {channel: bytes(data).decode(errors="replace") for channel, data in channels.items()}
    return ExecResult(exit_code(said.get(STATUS, "")), said.get(STDOUT, ""), said.get(STDERR, ""))


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
