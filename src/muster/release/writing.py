"""Writes through the new version, read back through the service: whether it keeps what it acknowledges.

A version that answers well and stores nothing looks well by every metric. So at each look it is given some writes of
the ledger, past any sharing of traffic, and at the next they are looked for where clients would look.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from muster.base.errors import ClusterError
from muster.base.texts import one_line
from muster.probes.http.exchange import Answer, Exchange, Kind
from muster.probes.http.outcomes import Outcome, of_status
from muster.probes.ledger.http_store import HttpStore
from muster.probes.ledger.store import MARK, Entry
from muster.release.asking import ask
from muster.release.work import Releasing
from muster.system import LedgerSpec
from muster.system.pods import is_ready
from muster.system.requests import Request

AT_ONCE = 6
LOOKS = 2  # running, at which a write must be gone: a replica that is behind may lack it once


@dataclass
class _Made:
    entry: Entry
    content: str
    missing: int = 0


@dataclass
class Writing:
    """The writes of one bake. `written` counts those that were acknowledged."""

    work: Releasing
    url: str
    written: int = 0
    _open: list[_Made] = field(default_factory=list)
    _turn: int = 0

    @property
    def wanted(self) -> bool:
        """Whether system.yaml has it done, and says how writes are made over HTTP."""
        system = self.work.system
        return system.release.writes_per_look > 0 and isinstance(system.ledger, LedgerSpec)

    def once(self) -> str:
        """Look for what was written at the look before, then write more; what was lost or altered, one line, empty
        where nothing was.

        Raises:
            ClusterError: the cluster does not list the new version's pods.
        """
        serving = self.work.serving
        if not self.wanted or serving is None:
            return ""
        pods = [str(pod["metadata"]["name"]) for pod in self.work.beside(serving).pods() if is_ready(pod)]
        return asyncio.run(self._look(pods))

    async def _look(self, pods: list[str]) -> str:
        spec, room = self.work.system.ledger, asyncio.Semaphore(AT_ONCE)
        assert isinstance(spec, LedgerSpec)
        async with Exchange(self.url) as exchange:
            store = HttpStore(spec, exchange)
            said = await asyncio.gather(*(self._found(store, made, spec.limit_s, room) for made in self._open))
        lost = [one for one in said if one]
        self._open = [made for made, one in zip(self._open, said, strict=True) if one is None]
        if lost:
            return f"the new version does not keep what it acknowledges: {lost[0]} ({self.written} writes made)"
        await asyncio.gather(*(self._make(spec, pod, room) for pod in self._turns(pods)))
        return ""

    def _turns(self, pods: list[str]) -> Iterator[str]:
        for _ in range(self.work.system.release.writes_per_look if pods else 0):
            self._turn += 1
            yield pods[self._turn % len(pods)]

    async def _make(self, spec: LedgerSpec, pod: str, room: asyncio.Semaphore) -> None:
        identity, content = f"{MARK}release-{secrets.token_hex(8)}", secrets.token_hex(16)
        store = HttpStore(spec, _ThroughPod(self.work, pod))
        async with room:
            made = await store.write(identity, content, kept=False, limit_s=spec.limit_s)
        if made.certainty == "acknowledged":
            self.written += 1
            self._open.append(_Made(Entry(identity, made.key), content))

    async def _found(self, store: HttpStore, made: _Made, limit_s: float, room: asyncio.Semaphore) -> str | None:
        """What became of a write: empty where it is there as it was written, None where that is not known yet."""
        async with room:
            seen = await store.read(made.entry, kept=True, limit_s=limit_s)
        if seen.contents is None:
            return None  # nobody could tell; that is for other triggers
        if not seen.contents:
            made.missing += 1
            return f"write {made.entry.id} was acknowledged and is gone" if made.missing >= LOOKS else None
        if any(content != made.content for content in seen.contents):
            return f"write {made.entry.id} was acknowledged and is another now"
        return ""


class _ThroughPod:
    """Sends requests of the ledger to one pod, as an exchange would to the service."""

    def __init__(self, work: Releasing, pod: str) -> None:
        self._work, self._pod = work, pod

    async def send(self, request: Request, *, kept: bool, limit_s: float) -> Answer:
        del kept
        return await asyncio.to_thread(self._send, request, limit_s)

    def _send(self, request: Request, limit_s: float) -> Answer:
        kind: Kind = "new"
        try:
            told = ask(self._work, self._pod, self._work.pod_port(), request, timeout=limit_s)
        except ClusterError as error:
            return Answer(0.0, 0.0, Outcome.UNREACHABLE, kind, True, why=one_line(str(error))[:160])
        outcome = of_status(told.status, request.status, retry_after="retry-after" in told.headers)
        return Answer(0.0, 0.0, outcome, kind, True, told.status, told.body)
