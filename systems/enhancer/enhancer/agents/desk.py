"""Where the agents of a worker fetch work and hand in results: one query for all who come at the same time."""

import asyncio
import logging

from enhancer import metrics
from enhancer.live_settings import LiveSettings
from enhancer.phases import PHASES, Work
from enhancer.storage.errors import IndeterminateError, UnavailableError
from enhancer.storage.work import Done, WorkQueue

log = logging.getLogger(__name__)

_RETRY_S = 0.2


class NotRecordedError(Exception):
    """A phase could not be recorded before its lease ran out: it will be done again, by whoever claims it."""


class Desk:
    """Hands out phases and records them, in batches of `batch_s`.

    It knows what it has in hand. What the database says it has claimed beyond that went astray (an answer was lost,
    an agent left, this container's predecessor died) and is given back.
    """

    def __init__(self, queue: WorkQueue, settings: LiveSettings) -> None:
        self._queue = queue
        self._settings = settings
        self._wanting: list[asyncio.Future[Work]] = []
        self._handed_in: list[tuple[Done, asyncio.Future[None]]] = []
        self._in_hand: set[tuple[str, int]] = set()
        self._astray = True
        self._wanted = asyncio.Event()
        self._something_done = asyncio.Event()

    async def fetch(self) -> Work:
        """The next phase to be done, as soon as there is one; it must be handed in, or given up."""
        future: asyncio.Future[Work] = asyncio.get_running_loop().create_future()
        self._wanting.append(future)
        self._wanted.set()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._drop(future.result())
            raise

    async def hand_in(self, done: Done) -> None:
        """Return when the phase is recorded durably; raises NotRecordedError."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._handed_in.append((done, future))
        self._something_done.set()
        await future

    def give_up(self, work: Work) -> None:
        """Give back a phase that was fetched and not done."""
        self._drop(work)

    async def give_out(self) -> None:
        """Claim work for the agents that want it, for ever."""
        while True:
            await self._wanted.wait()
            now = self._settings.current
            self._wanting = [future for future in self._wanting if not future.done()]
            try:
                found = await self._claim(now.phase_lease_s)
            except (UnavailableError, IndeterminateError):
                self._astray = True
                await asyncio.sleep(_RETRY_S)
                continue
            for work in found:
                self._assign(work)
            if not self._wanting and not self._astray:
                self._wanted.clear()
            await asyncio.sleep(now.batch_s if found else now.idle_poll_s)

    async def _claim(self, lease_s: float) -> list[Work]:
        if self._astray:
            self._astray = False
            await self._queue.give_back(self._in_hand)
        return await self._queue.claim(len(self._wanting), lease_s) if self._wanting else []

    def _assign(self, work: Work) -> None:
        self._in_hand.add((work.workflow, work.phase))
        while self._wanting:
            future = self._wanting.pop(0)
            if not future.done():
                future.set_result(work)
                return
        self._drop(work)  # its agent left meanwhile

    def _drop(self, work: Work) -> None:
        self._in_hand.discard((work.workflow, work.phase))
        self._astray = True
        self._wanted.set()

    async def record(self) -> None:
        """Record what agents handed in, for ever."""
        while True:
            await self._something_done.wait()
            await asyncio.sleep(self._settings.current.batch_s / 4)
            self._something_done.clear()
            batch, self._handed_in = self._handed_in, []
            await self._record_batch(batch)

    async def _record_batch(self, batch: list[tuple[Done, asyncio.Future[None]]]) -> None:
        """Try until the leases have run out; a batch recorded twice is recorded once."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._settings.current.phase_lease_s
        while True:
            try:
                await self._queue.record([done for done, _ in batch])
            except (UnavailableError, IndeterminateError) as error:
                if clock() < until:
                    await asyncio.sleep(_RETRY_S)
                    continue
                log.warning("%d phases not recorded: %s", len(batch), error)
                metrics.PHASE_FAILURES.inc(len(batch))
                for done, _ in batch:
                    self._drop(done.work)
                _settle(batch, NotRecordedError(str(error)))
                return
            for done, _ in batch:
                self._in_hand.discard((done.work.workflow, done.work.phase))
                metrics.PHASES_DONE.labels(PHASES[done.work.phase]).inc()
            _settle(batch, None)
            return


def _settle(batch: list[tuple[Done, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, future in batch:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
