"""A block of loopback addresses for one test process."""

import random
import socket
from types import TracebackType


class Block:
    """A /24 below 127.90.0.0/15, claimed for as long as this process lives by an abstract socket's name."""

    def __init__(self) -> None:
        self._lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._next = 1
        for _ in range(1000):
            second, third = random.choice((90, 91)), random.randrange(256)
            try:
                self._lock.bind(f"\0enhancer-tests-{second}-{third}")
            except OSError:
                continue
            self._prefix = f"127.{second}.{third}"
            return
        raise RuntimeError("no free block of addresses below 127.90.0.0/15: is some test run hanging?")

    def address(self) -> str:
        """An address that was not given out before, as long as there are any."""
        self._next = self._next % 254 + 1
        return f"{self._prefix}.{self._next}"

    def __enter__(self) -> "Block":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._lock.close()
