"""Calls of a synchronous ledger class, each in a thread that nobody has to wait for.

A call that hangs keeps its thread: nothing can end it. So there are never more than `MOST_THREADS`; when all of them
hang a call waits for one until its own limit and then counts as one that was not answered, which for a client with so
many connections is the truth. A call that was given up before it was begun is never begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muster.base.clock import now
from muster.probes.http.outcomes import OwnLimitError
from muster.probes.protocol import Ledger

MOST_THREADS = 32
KEPT = 8
RENEW_EVERY = 20  # as connections over HTTP
IDLE_S = 2.0
GRAIN_S = 0.001

Act = Callable[[Ledger], Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a call: its `value`, or the `error` that it raised. `begun` is False where only connecting was
    tried, or not even that. Times are CLOCK_MONOTONIC seconds."""

    sent: float
    at: float
    kept: bool
    begun: bool
    value: Any = None
    error: Exception | None = None


class Threads:
    """Makes calls of a ledger that `make` connects, in threads of its own, for the event loop that it is used in."""

    def __init__(self, make: Callable[[], Ledger], *, most: int = MOST_THREADS) -> None:
        self._make = make
        self._places = asyncio.Semaphore(most)
        self._idle: list[_Worker] = []

    async def call(self, act: Act, *, kept: bool, limit_s: float) -> Done:
        """Make a call, with a ledger that was used before if there is one and `kept` is true, within `limit_s`.

        Raises:
            OwnLimitError: no thread could be started.
        """
        sent, worker, call = now(), self._idle_worker() if kept else None, None
        was_kept = worker is not None
        try:
            async with asyncio.timeout(limit_s + GRAIN_S):
                if worker is None:
                    await self._places.acquire()
                    worker = _new_worker(self._make, self._free_place())
                call = _Call(act, asyncio.get_running_loop())
                worker.take(call)
                at, value, error = await call.told
        except TimeoutError as late:
            begun = call is not None and call.give_up()
            return Done(sent, now(), was_kept, begun, error=late)
        finally:
            if worker is not None:
                self._put_back(worker, kept=kept and call is not None and call.went_well)
        return Done(sent, at, was_kept, call.begun, value, error)

    async def close(self) -> None:
        """End every thread that has nothing to do; those that hang end with their call, or with this process."""
        while self._idle:
            self._idle.pop().end()
        await asyncio.sleep(0)

    def _free_place(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def free() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the call
                loop.call_soon_threadsafe(self._places.release)

        return free

    def _idle_worker(self) -> _Worker | None:
        moment = now()
        while self._idle:
            worker = self._idle.pop()
            if moment - worker.idle_since <= IDLE_S:
                return worker
            worker.end()
        return None

    def _put_back(self, worker: _Worker, *, kept: bool) -> None:
        moment = worker.idle_since = now()
        if kept and worker.calls < RENEW_EVERY:
            self._idle.append(worker)
        else:
            worker.end()
        while self._idle and (len(self._idle) > KEPT or moment - self._idle[0].idle_since > IDLE_S):
            self._idle.pop(0).end()


def _new_worker(make: Callable[[], Ledger], when_ended: Callable[[], None]) -> _Worker:
    try:
        return _Worker(make, when_ended)
    except RuntimeError as error:
        raise OwnLimitError(f"a thread could not be started from here: {error}") from error


class _Call:
    """One call, between the thread that makes it and the loop that waits for it."""

    def __init__(self, act: Act, loop: asyncio.AbstractEventLoop) -> None:
        self.told: asyncio.Future[tuple[float, Any, Exception | None]] = loop.create_future()
        self.begun = False
        self.went_well = False
        self._act = act
        self._loop = loop
        self._lock = threading.Lock()
        self._given_up = False

    def give_up(self) -> bool:
        """Wait for it no longer; whether it was begun. If it was not, it never will be."""
        with self._lock:
            self._given_up = True
            return self.begun

    def begin(self) -> bool:
        """Whether somebody still waits for it."""
        with self._lock:
            self.begun = not self._given_up and not self.told.cancelled()
            return self.begun

    def make(self, ledger: Ledger) -> bool:
        """Make it; whether the ledger may be used again."""
        try:
            value = self._act(ledger)
        except Exception as error:  # noqa: BLE001 - a driver raises what it likes; all of it is told
            self.tell(None, error)
            return False
        self.tell(value, None)
        return True

    def tell(self, value: Any, error: Exception | None) -> None:
        at = now()

        def set_result() -> None:
            if not self.told.done():
                self.went_well = error is None
                self.told.set_result((at, value, error))

        with contextlib.suppress(RuntimeError):  # the loop has ended before the call
            self._loop.call_soon_threadsafe(set_result)


class _Worker:
    """A thread with a ledger of its own, which it makes, uses and closes."""

    def __init__(self, make: Callable[[], Ledger], when_ended: Callable[[], None]) -> None:
        self.calls = 0
        self.idle_since = now()
        self._make = make
        self._when_ended = when_ended
        self._todo: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="muster-ledger", daemon=True).start()

    def take(self, call: _Call) -> None:
        self.calls += 1
        self._todo.put(call)

    def end(self) -> None:
        """Let go of the ledger once there is nothing more to do. May be called again."""
        self._todo.put(None)

    def _run(self) -> None:
        ledger: Ledger | None = None
        try:
            while (call := self._todo.get()) is not None:
                if ledger is None:
                    ledger = self._connect(call)
                if ledger is None or not call.begin() or not call.make(ledger):
                    break
        finally:
            if ledger is not None:
                # It may raise what it likes, and has nothing to say any more.
                with contextlib.suppress(Exception):
                    ledger.close()
            self._when_ended()

    def _connect(self, call: _Call) -> Ledger | None:
        try:
            return self._make()
        except Exception as error:  # noqa: BLE001 - as for a call
            call.tell(None, error)
            return None
