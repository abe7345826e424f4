"""A block of loopback addresses for each cluster on the machine, and who has which address in it.

A cluster's block is a /16 between 127.64.0.0 and 127.127.0.0. It is claimed by binding an abstract unix socket, which
the kernel frees with the process, however that ended.

In block 127.B: 127.B.0.1 is the API server, 127.B.0.2 the node, 127.B.8.0 - 127.B.15.255 are Services,
127.B.64.0 - 127.B.255.255 are pods.
"""

from __future__ import annotations

import ipaddress
import os
import random
import socket
from types import TracebackType

from muster.base.errors import UsageError

FIRST_BLOCK, LAST_BLOCK = 64, 127
API_PORT = 6443


class AddressesExhaustedError(UsageError):
    """No address is left."""


class _Range:
    """Addresses handed out in turn, so that one that was given back is not used again soon."""

    def __init__(self, first: str, last: str) -> None:
        self._first = int(ipaddress.IPv4Address(first))
        self._count = int(ipaddress.IPv4Address(last)) - self._first + 1
        self._next = 0
        self._taken: set[int] = set()

    def take(self) -> str:
        if len(self._taken) == self._count:
            raise AddressesExhaustedError(f"all {self._count} addresses of a range of the cluster's block are taken")
        while True:
            offset, self._next = self._next, (self._next + 1) % self._count
            if offset not in self._taken and offset % 256 not in (0, 255):
                self._taken.add(offset)
                return str(ipaddress.IPv4Address(self._first + offset))

    def reserve(self, address: str) -> bool:
        """Take this very address; False if it is taken or not in the range."""
        offset = int(ipaddress.IPv4Address(address)) - self._first
        if offset in self._taken or not 0 <= offset < self._count:
            return False
        self._taken.add(offset)
        return True

    def give_back(self, address: str) -> None:
        self._taken.discard(int(ipaddress.IPv4Address(address)) - self._first)


class Addresses:
    """The block that this process has claimed; a context manager that gives it back."""

    def __init__(self, block: int, claim: socket.socket) -> None:
        self._claim = claim
        self.block = f"127.{block}"
        self.api_server = f"{self.block}.0.1"
        self.node = f"{self.block}.0.2"
        self._services = _Range(f"{self.block}.8.0", f"{self.block}.15.255")
        self._pods = _Range(f"{self.block}.64.0", f"{self.block}.255.255")

    @classmethod
    def claim(cls) -> Addresses:
        """Claim a free block. Raises `UsageError` where all are taken."""
        blocks = list(range(FIRST_BLOCK, LAST_BLOCK + 1))
        random.Random(os.getpid()).shuffle(blocks)
        for block in blocks:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.bind(f"\0muster-block-{block}")
            except OSError:
                sock.close()
            else:
                return cls(block, sock)
        raise UsageError(
            f"no address block is free: each of 127.{FIRST_BLOCK}.0.0/16 to 127.{LAST_BLOCK}.0.0/16 is claimed by "
            "another embedded cluster; end one with `muster down`"
        )

    def take_pod(self) -> str:
        return self._pods.take()

    def give_back_pod(self, address: str) -> None:
        self._pods.give_back(address)

    def take_service(self) -> str:
        return self._services.take()

    def reserve_service(self, address: str) -> bool:
        """Take this very Service address; False if it is taken or not one of the block's."""
        return self._services.reserve(address)

    def give_back_service(self, address: str) -> None:
        self._services.give_back(address)

    def close(self) -> None:
        self._claim.close()

    def __enter__(self) -> Addresses:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
