"""Nothing in a load's process connects anywhere but through the load's own connections.

What a task asks by another way (`requests`, a socket, a client of its own) would be neither recorded nor held to the
ceiling, and may go to another server, while the drill takes it for load on the system. The interpreter itself tells of
each connection that is about to be opened (PEP 578), whatever library opens it; it is refused, and told. Libraries that
open connections in C, and other programs, are beyond that: what they do is no request of the load.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gevent import socket

_OPENING = ("socket.connect", "socket.sendto", "socket.sendmsg")  # the last two with TCP Fast Open
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_own: ContextVar[bool] = ContextVar("own", default=False)


class OtherWayError(PermissionError):
    """A connection that is none of the load's own."""


class OnlyWay:
    """Refuses connections that are not opened within `own_way`, once closed and until opened again."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` is told the address of each connection that is refused, as host:port."""
        self._tell = tell
        self._closed = False
        sys.addaudithook(self._look)

    def close(self) -> None:
        """From now on refuse."""
        self._closed = True

    def open(self) -> None:
        """From now on let pass."""
        self._closed = False

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _OPENING or not self._closed or _own.get():
            return
        connecting, address = arguments
        if connecting.family not in _INTERNET or connecting.type != socket.SOCK_STREAM or not address:
            return
        where = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
        self._tell(where)
        raise OtherWayError(errno.EPERM, f"a load asks through self.rest(...) alone, and this would connect to {where}")


@contextmanager
def own_way() -> Iterator[None]:
    """What connects in the block is the load's own."""
    token = _own.set(True)
    try:
        yield
    finally:
        _own.reset(token)
