"""Startup, readiness and liveness probes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from muster.embedded.objects import Object

# A real kubelet looks at a random moment of the first period, after a start that takes it longer: so rather late than
# early, lest a rehearsal flatter.
FIRST_LOOK_S = 1.0

Exec = Callable[[Sequence[str], float], Awaitable[tuple[int, str]]]
"""Runs a command in the container: (exit code, output); raises `TimeoutError` after so many seconds."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a probe looks, and how many answers in a row count. Seconds."""

    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int

    @classmethod
    def of(cls, probe: Object) -> Timing:
        return cls(
            float(probe.get("initialDelaySeconds") or 0),
            float(probe.get("periodSeconds") or 10),
            float(probe.get("timeoutSeconds") or 1),
            int(probe.get("successThreshold") or 1),
            int(probe.get("failureThreshold") or 3),
        )


class Streak:
    """Answers in a row: `verdict` changes when enough of them agree."""

    def __init__(self, timing: Timing, initial: bool | None) -> None:
        self.verdict = initial
        self._timing = timing
        self._latest: bool | None = None
        self._length = 0

    def add(self, success: bool) -> bool:
        """Count an answer; whether it is one of enough in a row."""
        self._length = self._length + 1 if success == self._latest else 1
        self._latest = success
        enough = self._length >= (self._timing.successes if success else self._timing.failures)
        if enough:
            self.verdict = success
        return enough


@dataclass(frozen=True, slots=True)
class Target:
    """Where a probe looks: the pod's address, its container's named ports, and how to run a command in it."""

    address: str
    ports: dict[str, int]
    exec: Exec


async def look(probe: Object, target: Target, within: float) -> tuple[bool, str]:
    """Ask once: (success, what was wrong)."""
    try:
        async with asyncio.timeout(within):
            if "exec" in probe:
                return await _exec(probe["exec"], target, within)
            if "httpGet" in probe:
                return await http_get(probe["httpGet"], target)
            if "tcpSocket" in probe:
                return await _tcp_socket(probe["tcpSocket"], target)
            return False, "probes of this kind are not supported (there are: exec, httpGet, tcpSocket)"
    except TimeoutError:
        return False, f"not answered within {within:g} s"


async def http_get(action: Object, target: Target) -> tuple[bool, str]:
    """GET the URL of an `httpGet` action: a status of 200 to 399 is success."""
    host, port = action.get("host") or target.address, _port(action["port"], target)
    secure = action.get("scheme") == "HTTPS"
    path = action.get("path") or "/"
    url = f"{'https' if secure else 'http'}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.36", "Accept": "*/*", "Connection": "close"}
    headers |= {header["name"]: header.get("value") or "" for header in action.get("httpHeaders") or ()}
    request = f"GET {path if path.startswith('/') else '/' + path} HTTP/1.1\r\n"
    request += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_unverified() if secure else None)
    except (OSError, ValueError) as error:
        return False, f'Get "{url}": dial tcp {host}:{port}: connect: {_plain(error)}'
    try:
        writer.write(request.encode())
        line = await reader.readline()
        status = int(line.split(b" ", 2)[1])
    except (OSError, ValueError, IndexError):
        return False, f'Get "{url}": EOF'
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if 200 <= status < 400:
        return True, ""
    return False, f"HTTP probe failed with statuscode: {status}"


async def _tcp_socket(action: Object, target: Target) -> tuple[bool, str]:
    host, port = action.get("host") or target.address, _port(action["port"], target)
    try:
        _, writer = await asyncio.open_connection(host, port)
    except (OSError, ValueError) as error:
        return False, f"dial tcp {host}:{port}: connect: {_plain(error)}"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True, ""


async def _exec(action: Object, target: Target, within: float) -> tuple[bool, str]:
    code, output = await target.exec(action.get("command") or (), within)
    return code == 0, output[:1000].strip() or f"command exited with {code}"


def _port(port: Any, target: Target) -> int:
    return target.ports.get(port) or (int(port) if str(port).isdigit() else 0)


def _plain(error: OSError | ValueError) -> str:
    """`ValueError`: a host that cannot be one."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(getattr(error, "strerror", None) or error)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
