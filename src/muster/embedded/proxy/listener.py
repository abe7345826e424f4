"""A place that accepts connections while it is open, and where the kernel refuses them while it is shut."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

BACKLOG = 1024
AT_ONCE = 128  # connections taken before others have their turn
RECOVER_S = 0.1
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener:
    """Listens on one port of one address; `accepted` is called with each connection.

    Own sockets instead of the loop's servers, because a connection that the kernel has taken in already is reset when
    the socket closes: here those are accepted first, and what comes later is refused.
    """

    def __init__(self, address: str, number: int, accepted: Callable[[socket.socket], None]) -> None:
        self._place = (address, number)
        self._accepted = accepted
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Accept connections from now on; nothing if it is open. Raises `OSError`."""
        if self._socket is not None:
            return
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.setblocking(False)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(self._place)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
        self._socket = listening
        asyncio.get_running_loop().add_reader(listening, self._take, AT_ONCE)

    def shut(self) -> None:
        """Have connections refused from now on; those that exist stay."""
        listening = self._socket
        if listening is not None:
            asyncio.get_running_loop().remove_reader(listening)
            self._take(BACKLOG)
            self._socket = None
            listening.close()

    def _take(self, most: int) -> None:
        for _ in range(most):
            if self._socket is None:
                return
            try:
                connection, _address = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._rest()
                return
            connection.setblocking(False)
            self._accepted(connection)

    def _rest(self) -> None:
        """Take no more for a moment: there are no descriptors left, and asking again at once would only burn time."""
        loop, resting = asyncio.get_running_loop(), self._socket
        assert resting is not None
        loop.remove_reader(resting)
        loop.call_later(RECOVER_S, self._resume, resting)

    def _resume(self, resting: socket.socket) -> None:
        if self._socket is resting:
            asyncio.get_running_loop().add_reader(resting, self._take, AT_ONCE)
