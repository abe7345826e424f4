"""Where a load goes: one address, and whether another one leads to the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from gevent import socket

from muster.base.errors import UsageError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Destination:
    """A base URL in its parts; `prefix` is what stands before every path, without a slash at its end."""

    tls: bool
    host: str
    port: int
    prefix: str

    @classmethod
    def of(cls, url: str) -> Self:
        """The parts of a base URL.

        Raises:
            UsageError: it is none that a load can go to.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            parts, port = urlsplit(""), 0
        if not parts.hostname:
            raise UsageError(f"a load cannot go to '{url}'; right would be an address like http://127.0.0.1:8080")
        return cls(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))

    @property
    def name(self) -> str:
        """The value of the Host header: without what is secret in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self._scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self._scheme}://{self.name}{self.prefix}"

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"

    def leads_to(self, other: Destination) -> bool:
        """Whether it is the other one: by another name perhaps, but one that has an address in common."""
        if (self.tls, self.port, self.prefix) != (other.tls, other.port, other.prefix):
            return False
        return self.host == other.host or bool(self._addresses() & other._addresses())

    def _addresses(self) -> set[object]:
        try:
            return {found[4][0] for found in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)}
        except OSError:
            return set()
