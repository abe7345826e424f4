"""Control loops: look again at a key whenever something that concerns it has changed, until it is as wanted."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from muster.embedded.objects import Key, Object, key_of
from muster.embedded.resources import Resource
from muster.embedded.status import StatusError
from muster.embedded.store import Event, Store

log = logging.getLogger(__name__)

K = TypeVar("K")

FIRST_RETRY_S = 0.005
LAST_RETRY_S = 10.0


def own_key(obj: Object) -> tuple[Key]:
    """The key of the object itself."""
    return (key_of(obj),)


class Reconciler(Generic[K]):
    """A work queue of keys and the task that empties it.

    `reconcile(key)` makes the world fit the object there, whatever happened; it may be a coroutine function. It
    returns after how many seconds to look again, None for when something changes. A key waits in the queue at most
    once and is never worked on twice at the same time; after an error it is tried again, later each time.
    """

    def __init__(
        self, name: str, store: Store, reconcile: Callable[[K], float | Awaitable[float | None] | None]
    ) -> None:
        self.name = name
        self._store = store
        self._reconcile = reconcile
        self._ready: dict[K, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._sources: list[tuple[Resource, Callable[[Object], Iterable[K]]]] = []
        self._unsubscribe: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def watch(self, resource: Resource, keys_of: Callable[[Object], Iterable[K]]) -> Reconciler[K]:
        """Look at `keys_of(object)` when an object of this type changes; before and after the change both count."""
        self._sources.append((resource, keys_of))
        return self

    def add(self, key: K, after: float = 0.0) -> None:
        """Look at `key`, now or `after` so many seconds; the earlier of two wishes counts."""
        if after <= 0:
            self._ready[key] = None
            self._wake.set()
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is None or timer.when() > loop.time() + after:
            if timer:
                timer.cancel()
            self._timers[key] = loop.call_later(after, self._due, key)

    def start(self) -> None:
        """Begin: every object that exists is looked at once."""
        for resource, keys_of in self._sources:
            self._unsubscribe.append(self._store.subscribe(resource, self._noting(keys_of)))
            for stored in self._store.scan(resource):
                for key in keys_of(stored.shared):
                    self.add(key)
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for timer in self._timers.values():
            timer.cancel()
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _noting(self, keys_of: Callable[[Object], Iterable[K]]) -> Callable[[Event], None]:
        def note(event: Event) -> None:
            for key in keys_of(event.shared):
                self.add(key)
            if event.previous is not None:
                for key in keys_of(event.previous.shared):
                    self.add(key)

        return note

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._ready:
                key = next(iter(self._ready))
                del self._ready[key]
                await self._attempt(key)
                await asyncio.sleep(0)

    async def _attempt(self, key: K) -> None:
        try:
            result = self._reconcile(key)
            again = await result if inspect.isawaitable(result) else result
        except StatusError as error:
            log.debug("%s: %s: %s", self.name, key, error)
            self._retry(key)
        except Exception:  # one bad object must not end the control loop of all others
            log.exception("%s: %s", self.name, key)
            self._retry(key)
        else:
            self._failures.pop(key, None)
            if again is not None:
                self.add(key, max(again, FIRST_RETRY_S))

    def _retry(self, key: K) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        self.add(key, min(FIRST_RETRY_S * 2 ** min(failures, 20), LAST_RETRY_S))
