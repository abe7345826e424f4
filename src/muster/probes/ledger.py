"""After a recovery: is everything still there that was acknowledged?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from muster.base.clock import now
from muster.base.timeline import Event, Tail, Timeline, TimelineError
from muster.probes.answers import MISSING, contents_of, parse
from muster.probes.events import EventBuffer
from muster.probes.exchange import Answer, Exchange
from muster.probes.outcomes import Outcome
from muster.probes.probing import digest, filled
from muster.system.definition import LedgerSpec, SystemDefinition

Found = Literal["same", "altered", "lost", "duplicated", "unread"]

AT_ONCE = 16
CONFIRM_AFTER_S = 0.5  # a write is lost or altered only if it is so twice, this far apart
RETRY_AFTER_S = 0.1
GONE = (404, 410)


@dataclass
class ReadBack:
    """What was found of a ledger's writes. Lists hold ids, in the order of writing; indeterminate writes that are not
    there are none of them, since nobody was told that they would be."""

    acknowledged: Counter[Found] = field(default_factory=Counter)
    indeterminate: Counter[Found] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def add(self, write: Event, found: Found) -> None:
        promised = write["outcome"] == "acknowledged"
        (self.acknowledged if promised else self.indeterminate)[found] += 1
        lists = {"lost": self.lost, "altered": self.altered, "duplicated": self.duplicated, "unread": self.unread}
        if promised and found in lists:
            lists[found].append(write["id"])


def read_back(
    system: SystemDefinition, url: str, timeline: Path, *, within_s: float = 10.0, rate: float = 200.0
) -> ReadBack:
    """Look for every write on the timeline that was acknowledged or is indeterminate, and append what was found.

    Asks at most `rate` times a second, so that the check is no overload of its own. A violation is no finding: it is
    asked again until `within_s` seconds after the last write's turn came; what then has no answer is `unread`. Call it
    when no prober writes any more.

    Raises:
        TimelineError: the timeline cannot be read or written.
    """
    writes = [event for event in _writes(timeline) if event["outcome"] != "refused"]
    with Timeline(timeline) as target:
        looking = _Looking(system.ledger, EventBuffer(target), now() + within_s + len(writes) / rate)
        return asyncio.run(looking.look_for_all(writes, url, rate))


class _Looking:
    """The search for the writes of one ledger, until `deadline` (CLOCK_MONOTONIC seconds)."""

    def __init__(self, spec: LedgerSpec, events: EventBuffer, deadline: float) -> None:
        self._spec = spec
        self._events = events
        self._deadline = deadline
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look_for_all(self, writes: list[Event], url: str, rate: float) -> ReadBack:
        result, start = ReadBack(), now()
        async with Exchange(url) as exchange, asyncio.TaskGroup() as group:
            tasks = []
            for number, write in enumerate(writes):
                await asyncio.sleep(start + number / rate - now())
                tasks.append(group.create_task(self._look_for(exchange, write)))
        for write, task in zip(writes, tasks, strict=True):
            result.add(write, task.result())
        self._events.flush()
        return result

    async def _look_for(self, exchange: Exchange, write: Event) -> Found:
        """Ask until there is an answer that holds, or no more time."""
        request = filled(self._spec.read, write["id"], "")
        before: Found | None = None
        while True:
            async with self._places:
                answer = await exchange.send(request, kept=True, limit_s=self._spec.limit_s)
            found, why = classify(self._spec, write, answer)
            certain = found in ("same", "duplicated") or found == before
            if certain or now() >= self._deadline:
                break
            before = found if found != "unread" else None
            await asyncio.sleep(RETRY_AFTER_S if found == "unread" else CONFIRM_AFTER_S)
        self._events.add("readback", id=write["id"], found=found, why=why)
        return found


def classify(spec: LedgerSpec, write: Event, answer: Answer) -> tuple[Found, str]:
    """What one answer says of a write, and one line on it."""
    asked = f"{spec.read.method} {spec.read.path}"
    if answer.status in GONE and answer.status not in spec.read.status:
        return "lost", f"{asked} answered {answer.status}"
    if answer.outcome is not Outcome.OK:
        return "unread", f"{asked}: {answer.outcome}: {answer.why}"
    document = parse(answer.body)
    if document is MISSING:
        return "unread", f"{asked} did not answer with JSON"
    contents = contents_of(document, write["id"], id_path=spec.id, content_path=spec.content)
    if len(contents) != 1:
        return ("duplicated", f"{asked} holds it {len(contents)} times") if contents else ("lost", f"{asked} lacks it")
    same = isinstance(contents[0], str) and digest(contents[0]) == write["digest"]
    return ("same", "") if same else ("altered", f"{asked} holds another content")


def _writes(timeline: Path) -> Iterator[Event]:
    if not timeline.exists():
        raise TimelineError(f"timeline {timeline} cannot be read: there is no such file")
    yield from (event for event in Tail(timeline).read() if event["kind"] == "write")
