"""One connection of a client, carried to one endpoint. Bytes, ends of stream, resets and silence pass as they are."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import cast

Endpoint = tuple[str, int]  # address, port

UNREACHABLE_S = 3.0  # until a kernel gives up an address for which nobody answers
_LOOK_AGAIN_S = 0.005
_NO_LINGER = struct.pack("ii", 1, 0)  # closing sends a reset
_REQUEST = re.compile(rb"[A-Z]{3,20} [^\s]+ HTTP/1\.[01]\r\n")


def end_writing(transport: asyncio.Transport) -> None:
    """Say that nothing more comes, once all has been sent. Not `write_eof`: in uvloop 0.23 it corrupts memory."""
    if transport.is_closing():
        return
    if transport.get_write_buffer_size():
        asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, end_writing, transport)
        return
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=descriptor) as connection, suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


class Side(asyncio.Protocol):
    """One of the two connections; what it receives goes out on `other`."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.quiet = True  # the peer has said nothing since the other side last did
        self._ended = False  # the peer has said all

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.quiet = False
        if self.other is not None and self.other.transport is not None:
            self.other.quiet = True
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self._ended = True
        if self.other is not None:
            self._pass_on_end(self.other)
        return True  # the other direction may still have something to say

    def _pass_on_end(self, other: Side) -> None:
        if other._ended:
            self.finish()
            other.finish()
        elif other.transport is not None:
            end_writing(other.transport)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        other, self.other, self.transport = self.other, None, None
        if other is not None:
            other.other = None
            if error is None:
                other.finish()
            else:
                other.reset()

    def finish(self) -> None:
        """Send what is left and end."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """End at once and let the peer know by a reset."""
        if self.transport is not None:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()


class Client(Side):
    """The client's connection. What it says before the endpoint has been reached waits; it is never sent elsewhere."""

    def __init__(
        self,
        choose: Callable[[], Endpoint | None],
        refused: Callable[[Endpoint], None],
        is_gone: Callable[[Endpoint], bool],
        successor: Callable[[], asyncio.Protocol | None],
    ) -> None:
        """`choose` picks the endpoint, `refused` hears of one that refuses connections, `is_gone` tells of one that
        would not answer at all. `successor` makes who takes the connection over, once it is to be read as HTTP.
        """
        super().__init__()
        self._successor = successor
        self._is_gone = is_gone
        self._choose = choose
        self._refused = refused
        self._early = b""
        self._reaching: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._reaching = asyncio.get_running_loop().create_task(self._reach())

    def data_received(self, data: bytes) -> None:
        if self._reaching is None:
            # Between two requests, as everybody is who has heard an answer and begins the next one.
            if self.quiet and (successor := self._successor()) is not None and _REQUEST.match(data):
                self._hand_over(successor, data)
            else:
                super().data_received(data)
        elif self.transport is not None:
            # uvloop begins to read after `connection_made`, whatever was asked for there; so it is paused here.
            self._early += data
            self.transport.pause_reading()

    def _hand_over(self, successor: asyncio.Protocol, data: bytes) -> None:
        transport, self.transport = self.transport, None
        other, self.other = self.other, None
        assert transport is not None
        if other is not None:
            other.other = None
            other.finish()
        transport.set_protocol(successor)
        successor.connection_made(transport)
        successor.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._reaching is not None:
            self._reaching.cancel()
        super().connection_lost(error)

    async def _reach(self) -> None:
        endpoint = self._choose()
        if endpoint is None:
            self.reset()
            return
        try:
            if self._is_gone(endpoint):
                await asyncio.sleep(UNREACHABLE_S)
                self.reset()
                return
            _, other = await asyncio.get_running_loop().create_connection(Side, *endpoint)
        except ConnectionRefusedError:
            self._refused(endpoint)
            self.reset()
        except OSError:
            self.reset()
        else:
            self._join(other)
        finally:
            self._reaching = None

    def _join(self, other: Side) -> None:
        if self.transport is None or other.transport is None:
            self.finish()
            other.finish()
            return
        self.other, other.other = other, self
        if self._early:
            other.transport.write(self._early)
            self._early = b""
            self.transport.resume_reading()
        if self._ended:
            self._pass_on_end(other)
