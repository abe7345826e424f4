"""What the parts of the cluster expect of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class ExecProcess(Protocol):
    """A program started inside a running container."""

    async def read_stdout(self) -> bytes:
        """The next piece of output; b"" at the end."""

    async def read_stderr(self) -> bytes:
        """The next piece of error output; b"" at the end (at once with a terminal)."""

    async def write_stdin(self, data: bytes) -> None:
        """Pass data to standard input; b"" closes it."""

    def resize(self, width: int, height: int) -> None:
        """Set the terminal's size in characters; nothing without a terminal."""

    async def wait(self) -> int:
        """The exit code; 128 + signal number for one that was killed."""

    async def close(self) -> None:
        """End the program if it still runs and release what it holds. May be called twice."""


class Node(Protocol):
    """The kubelet: runs the pods that are bound to its node and writes their status."""

    name: str

    async def start(self) -> None:
        """Register the node object and take up pods; returns within a fraction of a second."""

    async def stop(self) -> None:
        """End every container and wait for it."""

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        *,
        follow: bool = False,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: float | None = None,
        timestamps: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncIterator[bytes]:
        """The container's output. The first step raises `StatusError` (400, 404) as a real API server does."""

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: list[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> ExecProcess:
        """Start a program in the container. Raises `StatusError` (400, 404)."""

    def programs(self, namespace: str, pod: str) -> dict[str, int]:
        """The process id of each container of a pod that runs now, by the container's name; all else is below it."""


class Network(Protocol):
    """What a kernel knows of the pods' addresses, and whoever plays its part has to be told."""

    def ended(self, address: str) -> None:
        """A program of a pod's address has ended, and listens no more."""

    def gone(self, address: str) -> None:
        """A pod's address is nobody's any more."""


class Proxy(Network, Protocol):
    """The Service proxy: a process of its own, kept running and fed by this object."""

    async def start(self) -> None:
        """Start the process and begin to feed it Services and endpoints."""

    async def stop(self) -> None:
        """End the process and wait for it."""
