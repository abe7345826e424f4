"""Writes during a bake, read back: whether what is acknowledged is kept while the new version has its share of them.

A version that answers well and stores nothing looks well by every metric. So at each look some writes of the ledger are
made as clients make them, and at the next they are looked for where clients would look. They go by the way of all
traffic, not to the new version alone: what its pods count would be another mix of requests than the old one's then, and
nothing could be compared.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from muster.probes.http.exchange import Exchange
from muster.probes.ledger.http_store import HttpStore
from muster.probes.ledger.store import MARK, Entry
from muster.release.work import Releasing
from muster.system import LedgerSpec

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

    @property
    def wanted(self) -> bool:
        """Whether system.yaml has it done, and says how writes are made over HTTP."""
        system = self.work.system
        return system.release.writes_per_look > 0 and isinstance(system.ledger, LedgerSpec)

    def once(self) -> str:
        """Look for what was written at the look before, then write more; what was lost or altered, one line, empty
        where nothing was.

        Raises:
            OwnLimitError: this process has no connections left.
        """
        return asyncio.run(self._look()) if self.wanted and self.work.serving is not None else ""

    async def _look(self) -> str:
        spec, room = self.work.system.ledger, asyncio.Semaphore(AT_ONCE)
        assert isinstance(spec, LedgerSpec)
        async with Exchange(self.url) as exchange:
            store = HttpStore(spec, exchange)
            said = await asyncio.gather(*(self._found(store, made, spec.limit_s, room) for made in self._open))
            lost = [one for one in said if one]
            self._open = [made for made, one in zip(self._open, said, strict=True) if one is None]
            if lost:
                return f"what is acknowledged is not kept: {lost[0]}, of {self.written} that were made"
            times = self.work.system.release.writes_per_look
            await asyncio.gather(*(self._make(store, spec.limit_s, room) for _ in range(times)))
        return ""

    async def _make(self, store: HttpStore, limit_s: float, room: asyncio.Semaphore) -> None:
        identity, content = f"{MARK}release-{secrets.token_hex(8)}", secrets.token_hex(16)
        async with room:
            made = await store.write(identity, content, kept=True, limit_s=limit_s)
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
