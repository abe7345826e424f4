"""Messages between the kubelet and a pod's supervisor: over a unix stream socket, each a length and a marshalled dict.

`marshal` because both ends are the same interpreter and it costs nothing to load; descriptors travel beside the bytes.

To the supervisor:
    start   id, argv, env, cwd, jail (jail.Spec or None), log (path): start a container's program
    exec    id, container (id), argv, env, cwd, tty; three descriptors: start a program inside a running container
    signal  id, signal: to the program itself
    kill    id: SIGKILL to the program and everything it started
From it:
    started id, pid
    failed  id, error: it could not be started
    ended   id, status (a wait status)
"""

from __future__ import annotations

import marshal
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

_LENGTH = struct.Struct("!I")


def encode(message: Message) -> bytes:
    body = marshal.dumps(message)
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[Message]:
        self._data += data
        found = []
        while len(self._data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data)
            end = _LENGTH.size + length
            if len(self._data) < end:
                break
            found.append(marshal.loads(self._data[_LENGTH.size : end]))  # noqa: S302 - only the kubelet is at the other end
            self._data = self._data[end:]
        return found
