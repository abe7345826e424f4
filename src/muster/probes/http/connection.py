"""One connection to a service: carries a request and its answer at a time."""

from __future__ import annotations

import asyncio
import select
from typing import NamedTuple, cast

from muster.base.clock import now
from muster.probes.http.reply import BrokenOffError, NotHttpError, Reply, ReplyReader

IDLE_S = 2.0  # servers close idle connections after 5 s and more; one used just then would be reset by nobody's fault
GRAIN_S = 0.001  # some loops count in whole milliseconds, and wake early


class Heard(NamedTuple):
    """What came of a request: an answer, or why there is none. `at` is CLOCK_MONOTONIC seconds."""

    at: float
    what: Reply | Exception


class Connection(asyncio.Protocol):
    """A connection, once `loop.create_connection` has made it. Whoever asks over it closes it or keeps it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: ReplyReader | None = None
        self._waiting: asyncio.Future[Heard] | None = None
        self._used = 0
        self._spoilt = False  # something came that nobody asked for
        self._idle_since = now()

    @property
    def used(self) -> int:
        """How many requests it has carried."""
        return self._used

    async def ask(self, request: bytes, *, limit_s: float) -> Heard:
        """Send a request and wait for its answer; a TimeoutError if there is none within `limit_s` seconds."""
        assert self._transport is not None
        assert self._waiting is None, "one request at a time"
        self._used += 1
        reader = self._reader = ReplyReader()
        waiting: asyncio.Future[Heard] = self._loop.create_future()
        self._waiting = waiting
        timer = self._loop.call_later(max(limit_s, 0.0) + GRAIN_S, _give_up, waiting)
        try:
            self._transport.write(request)
            return await waiting
        finally:
            timer.cancel()
            self._spoilt = reader.surplus
            self._reader = self._waiting = None
            self._idle_since = now()

    def usable(self, moment: float) -> bool:
        """Whether it may carry another request: not idle for long, and with nothing to read, an end included."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._spoilt or self.idle_for(moment) > IDLE_S:
            return False
        # The loop would have seen an end that it had time to see: this looks past it.
        poll = select.poll()
        poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def idle_for(self, moment: float) -> float:
        return moment - self._idle_since

    def close(self) -> None:
        """End it at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    # What follows is called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.close()  # nobody asked
            return
        try:
            reply = self._reader.feed(data)
        except NotHttpError as error:
            self._tell(error)
        else:
            if reply is not None:
                self._tell(reply)

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self._tell(error)
        self._end()

    def _end(self) -> None:
        if self._reader is None:
            return
        try:
            self._tell(self._reader.end())
        except BrokenOffError as error:
            self._tell(error)

    def _tell(self, what: Reply | Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Heard(now(), what))


def _give_up(waiting: asyncio.Future[Heard]) -> None:
    if not waiting.done():
        waiting.set_result(Heard(now(), TimeoutError()))
