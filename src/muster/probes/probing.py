"""The prober's loop: each probe asks on its own absolute schedule, whatever the answers do (an open loop).

Right and in time. A read is in time within its limit, a write if it was made and read back within its limit together:
that is how the verdict measures it, from `sent` to `done`. Looking for what was written may nevertheless take the whole
limit once more, since whether it is there must not depend on how long making it took; a pair that is right but took
longer than the limit is a `timeout`.

The prober's own delay is not the service's. On a machine short of processors this process wakes late: it sends late,
and reads late what was answered long ago. Times are recorded as they were, never corrected; instead a probe says
nothing of the service, and `prober` `behind` is recorded in the place of its `request`, where
- its turn came more than half its limit late: it is not sent, which also keeps a late prober from having more to do
  than one in time, and so from staying late;
- it ran into its limit while this process was overdue (see `muster.probes.lateness`) for half of the limit or more;
- it was right, and would have been in time without the time for which this process was overdue.
Any other violation tells of the service however late this process was. What a write came to is in the ledger in any
case. A probe that says nothing leaves a silence, which the verdict takes for unknown, never for good.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import math
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from muster.base import clock
from muster.base.clock import now
from muster.probes.answers import contents_of, fill, parse, unexpected, values_at
from muster.probes.events import FLUSH_EVERY_S, EventBuffer
from muster.probes.exchange import Answer, Exchange
from muster.probes.lateness import Lateness
from muster.probes.outcomes import Outcome
from muster.probes.plan import READ, WRITE, Plan
from muster.system.definition import ExpectProbe, LedgerSpec, Request

LAST_ANSWERS_S = 0.5  # how long requests under way at the end may still be answered


@dataclass
class _Schedule:
    """One probe: intended times `every_s` apart, and at most `bound` requests under way."""

    name: str
    every_s: float
    limit_s: float
    ask: Callable[[float, int], Coroutine[Any, Any, None]]  # intended time, number
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def bound(self) -> int:
        # A write may take its limit twice: that many, and as many again as one limit holds. Only this process's own
        # delay gets there.
        return max(2, math.ceil(3 * self.limit_s / self.every_s))


class Probing:
    """Carries out a plan until it is stopped."""

    def __init__(self, plan: Plan, events: EventBuffer, exchange: Exchange) -> None:
        self._plan = plan
        self._events = events
        self._exchange = exchange
        self._lateness = Lateness()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask no more, give what is under way a moment, and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Probe until `stop`.

        Raises:
            ExceptionGroup: of TimelineError, where the timeline cannot be written, or of what else makes it impossible
                to go on; a prober never goes on silently.
        """
        schedules = [
            _Schedule(READ, self._plan.read.every_s, self._plan.read.limit_s, self._read),
            _Schedule(WRITE, self._plan.ledger.every_s, self._plan.ledger.limit_s, self._write),
            *(_Schedule(p.name, p.every_s, p.limit_s, partial(self._expect, p)) for p in self._plan.further),
        ]
        self._events.add("prober", state="started", probes=self._plan.probes())
        self._events.flush()
        try:
            async with asyncio.TaskGroup() as group:
                start = now()
                # Spread over time, so that the probes do not ask all at once.
                starts = [start + schedule.every_s * index / len(schedules) for index, schedule in enumerate(schedules)]
                asking = [
                    group.create_task(self._keep_asking(group, schedule, first))
                    for schedule, first in zip(schedules, starts, strict=True)
                ]
                services = [group.create_task(self._flush()), group.create_task(self._tell_clock())]
                await self._stopping.wait()
                await _cancel(asking)
                under_way = [task for schedule in schedules for task in schedule.under_way]
                if under_way:
                    await asyncio.wait(under_way, timeout=LAST_ANSWERS_S)
                await _cancel(under_way)
                await _cancel(services)
            self._events.add("prober", state="stopped")
        finally:
            self._events.flush()

    async def _keep_asking(self, group: asyncio.TaskGroup, schedule: _Schedule, start: float) -> None:
        for number in itertools.count():
            intended = start + number * schedule.every_s
            late_s = await self._lateness.sleep_until(intended)
            if late_s > schedule.limit_s / 2:
                self._tell_behind(schedule.name, intended, f"its turn came {late_s:.3f} s late")
                continue
            if len(schedule.under_way) >= schedule.bound:
                self._tell_behind(schedule.name, intended, f"{schedule.bound} are under way")
                continue
            task = group.create_task(schedule.ask(intended, number))
            schedule.under_way.add(task)
            task.add_done_callback(schedule.under_way.discard)

    async def _flush(self) -> None:
        while True:
            await self._lateness.sleep_until(now() + FLUSH_EVERY_S)
            self._events.flush()

    async def _tell_clock(self) -> None:
        while True:
            self._events.add("clock", boottime=clock.boottime(), utc=clock.utc_iso(timespec="microseconds"))
            await asyncio.sleep(1.0)

    async def _read(self, intended: float, number: int) -> None:
        probe = self._plan.read
        answer = await self._exchange.send(probe.request, kept=number % 2 == 1, limit_s=probe.limit_s)
        if answer.outcome is Outcome.OK and probe.contains and not values_at(parse(answer.body), probe.contains):
            answer = replace(answer, outcome=Outcome.WRONG, why=f"the answer holds no '{probe.contains}'")
        self._record(READ, intended, in_time(answer, probe.limit_s, "answered"), probe.limit_s)

    async def _expect(self, probe: ExpectProbe, intended: float, number: int) -> None:
        answer = await self._exchange.send(probe.request, kept=number % 2 == 1, limit_s=probe.limit_s)
        if answer.outcome is Outcome.OK and (strange := unexpected(parse(answer.body), probe.expect)):
            answer = replace(answer, outcome=Outcome.WRONG, why=strange)
        self._record(probe.name, intended, in_time(answer, probe.limit_s, "answered"), probe.limit_s)

    async def _write(self, intended: float, number: int) -> None:
        """Create something, note it in the ledger, and read it back, all within the probe's limit."""
        spec, identity, content = self._plan.ledger, f"muster-{self._plan.run}-{number}", secrets.token_hex(32)
        kept, asked = number % 2 == 1, now()
        entry: dict[str, Any] = {"id": identity, "asked": asked, "digest": digest(content)}
        try:
            created = await self._exchange.send(filled(spec.create, identity, content), kept=kept, limit_s=spec.limit_s)
        except asyncio.CancelledError:
            self._events.add("write", **entry, answered=None, outcome="indeterminate")
            raise
        answered = None if created.status is None else created.done
        self._events.add("write", t=created.done, **entry, answered=answered, outcome=certainty(created))
        answer = created
        if created.outcome is Outcome.OK:
            found = await self._exchange.send(filled(spec.read, identity, content), kept=kept, limit_s=spec.limit_s)
            answer = replace(judged_read_back(spec, identity, content, found), sent=created.sent)
        self._record(WRITE, intended, in_time(answer, spec.limit_s, "written and read back"), spec.limit_s)

    def _record(self, name: str, intended: float, answer: Answer, limit_s: float) -> None:
        """Note one probe; its answer says why, in one line, wherever it is not ok."""
        if answer.outcome is Outcome.TIMEOUT:
            own_s = self._lateness.within(answer.sent, answer.done)
            would_do = answer.status is not None and answer.done - answer.sent - own_s <= limit_s
            if would_do or own_s >= limit_s / 2:
                self._tell_behind(name, intended, f"{answer.why}, {own_s:.3f} s of it this process's own delay")
                return
        self._events.add(
            "request",
            t=answer.done,
            source="probe",
            name=name,
            intended=intended,
            sent=answer.sent,
            done=answer.done,
            outcome=answer.outcome,
            status=answer.status,
            conn=answer.conn,
            write=name == WRITE,
            **({"why": answer.why} if answer.why else {}),
        )

    def _tell_behind(self, name: str, intended: float, why: str) -> None:
        self._events.add("prober", state="behind", name=name, intended=intended, why=why)


def in_time(answer: Answer, limit_s: float, what: str) -> Answer:
    """An answer that is right, as a `timeout` (which keeps its status) if it came after its limit."""
    took = answer.done - answer.sent
    if answer.outcome is not Outcome.OK or took <= limit_s:
        return answer
    return replace(answer, outcome=Outcome.TIMEOUT, why=f"{what} only after {took:.3f} s, the limit is {limit_s:g} s")


def certainty(created: Answer) -> str:
    """Whether a write is `acknowledged`, `refused` (certainly not made) or `indeterminate` (MEASURES.md, RPO)."""
    if created.outcome is Outcome.OK:
        return "acknowledged"
    never_sent = not created.asked
    declined = created.outcome is Outcome.SHED or (created.status is not None and 400 <= created.status < 500)
    return "refused" if never_sent or declined else "indeterminate"


def judged_read_back(spec: LedgerSpec, identity: str, content: str, answer: Answer) -> Answer:
    """The answer to looking for a write that was acknowledged, `wrong` unless it is there once and as written."""
    if answer.outcome is not Outcome.OK:
        return replace(answer, why=f"reading back: {answer.why}")
    found = contents_of(parse(answer.body), identity, id_path=spec.id, content_path=spec.content)
    if found == [content]:
        return answer
    said = "is not there" if not found else "is there more than once" if len(found) > 1 else "has another content"
    return replace(answer, outcome=Outcome.WRONG, why=f"reading back: what was acknowledged {said}")


def filled(request: Request, identity: str, content: str) -> Request:
    """The request for one write, with its id and content filled in."""
    return request.model_copy(
        update={
            "path": fill(request.path, id=identity, content=content),
            "body": fill(request.body, id=identity, content=content),
        }
    )


def digest(content: str) -> str:
    """What the timeline keeps of a written content, to know it again."""
    return hashlib.sha256(content.encode()).hexdigest()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
