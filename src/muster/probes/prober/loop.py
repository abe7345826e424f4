"""The prober's loop: each probe asks on its own absolute schedule, whatever the answers do (an open loop).

Around the edges of an outage a probe asks more often, see `muster.probes.prober.rhythm`.

Right and in time. A read is in time within its limit, a write if it was made and read back within its limit together:
that is how the verdict measures it, from `sent` to `done`. Looking for what was written may nevertheless take the whole
limit once more, since whether it is there must not depend on how long making it took; a pair that is right but took
longer than the limit is a `timeout`.

The prober's own delay is not the service's. On a machine short of processors this process wakes late: it sends late,
and reads late what was answered long ago. Times are recorded as they were, never corrected; instead a probe says
nothing of the service, and `prober` `behind` is recorded in the place of its `request`, where
- its turn came more than half its limit late: it is not sent, which also keeps a late prober from having more to do
  than one in time, and so from staying late;
- it ran into its limit while this process was overdue (see `muster.probes.prober.lateness`) for half of the limit or
  more;
- it was right, and would have been in time without the time for which this process was overdue.
Any other violation tells of the service however late this process was. What a write came to is in the ledger in any
case. A probe that says nothing leaves a silence, which the verdict takes for unknown, never for good.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from muster.base import clock
from muster.base.clock import now
from muster.base.event_buffer import FLUSH_EVERY_S, EventBuffer
from muster.probes.answers.reading import judged_expect, judged_read
from muster.probes.http.exchange import Answer, Exchange
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.found import judged_read_back
from muster.probes.ledger.store import MARK, Entry, digest
from muster.probes.ledger.stores import store_of
from muster.probes.prober.lateness import Lateness
from muster.probes.prober.plan import READ, WRITE, Plan
from muster.probes.prober.rhythm import Edge, Rhythm, share_out
from muster.system.definition import ExpectProbe

LAST_ANSWERS_S = 0.5  # how long requests under way at the end may still be answered


@dataclass
class _Schedule:
    """One probe: intended times on an absolute grid that begins at `start`, a bounded number of turns under way."""

    name: str
    rhythm: Rhythm
    ask: Callable[[_Schedule, float, int], Coroutine[Any, Any, None]]  # itself, intended time, number
    start: float = 0.0
    asked: int = 0  # turns so far; new and kept connections alternate by it
    edge: Edge = field(default_factory=Edge)
    under_way: dict[asyncio.Task[None], float] = field(default_factory=dict)  # and when each was intended
    in_between: asyncio.Task[None] | None = None  # asks the turns that only the edge rhythm has


class Probing:
    """Carries out a plan until it is stopped."""

    def __init__(self, plan: Plan, events: EventBuffer, exchange: Exchange) -> None:
        """Prepare; nothing is asked yet.

        Raises:
            UsageError: the class that the plan names as its ledger cannot be used.
        """
        self._plan = plan
        self._events = events
        self._exchange = exchange
        # None where the service is only read.
        ledger = plan.ledger
        self._store = None if ledger is None else store_of(ledger, exchange, plan.url, plan.directory)
        self._lateness = Lateness()
        self._written = False  # whether a write was acknowledged
        self._stopping = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    def stop(self) -> None:
        """Ask no more, give what is under way a moment, and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Probe until `stop` is called.

        Raises:
            ExceptionGroup: of a TimelineError if events do not reach the timeline, of an OwnLimitError if this process
                ran out of connections, of a UsageError if the ledger's class does not do what it must.
        """
        schedules = self._schedules()
        self._events.add("prober", state="started", probes=self._plan.probes())
        self._events.flush()
        try:
            async with asyncio.TaskGroup() as group:
                self._group, start = group, now()
                for index, schedule in enumerate(schedules):
                    # Spread over time, so that the probes do not ask all at once.
                    schedule.start = start + schedule.rhythm.every_s * index / len(schedules)
                asking = [group.create_task(self._keep_asking(schedule)) for schedule in schedules]
                services = [group.create_task(self._flush()), group.create_task(self._tell_clock())]
                await self._stopping.wait()
                await _cancel([*asking, *(s.in_between for s in schedules if s.in_between is not None)])
                under_way = [task for schedule in schedules for task in schedule.under_way]
                if under_way:
                    await asyncio.wait(under_way, timeout=LAST_ANSWERS_S)
                self._tell_unanswered(schedules)
                await _cancel(under_way)
                await _cancel(services)
            self._events.add("prober", state="stopped")
        finally:
            self._events.flush()
            if self._store is not None:
                await self._store.close()

    def _tell_unanswered(self, schedules: list[_Schedule]) -> None:
        """What is given up has no outcome of its own; that it had no answer yet is told all the same."""
        for schedule in schedules:
            for intended in schedule.under_way.values():
                self._events.add("prober", state="unanswered", name=schedule.name, intended=intended)

    def _schedules(self) -> list[_Schedule]:
        plan = self._plan
        asks, rhythms = [(READ, self._read)], [Rhythm(plan.read.every_s, plan.read.limit_s, requests=1)]
        if plan.ledger is not None:
            asks.append((WRITE, self._write))
            rhythms.append(Rhythm(plan.ledger.every_s, plan.ledger.limit_s, requests=2))
        asks += [(probe.name, partial(self._expect, probe)) for probe in plan.further]
        rhythms += [Rhythm(probe.every_s, probe.limit_s, requests=1) for probe in plan.further]
        shared = share_out(rhythms, plan.limits)
        return [_Schedule(name, rhythm, ask) for (name, ask), rhythm in zip(asks, shared, strict=True)]

    async def _keep_asking(self, schedule: _Schedule) -> None:
        for number in itertools.count():
            intended = schedule.start + number * schedule.rhythm.every_s
            self._ask(schedule, intended, await self._lateness.sleep_until(intended))

    async def _ask_in_between(self, schedule: _Schedule) -> None:
        while schedule.edge.near:
            intended = schedule.rhythm.between(schedule.start, now())
            late_s = await self._lateness.sleep_until(intended)
            if schedule.edge.near:
                self._ask(schedule, intended, late_s)

    def _ask(self, schedule: _Schedule, intended: float, late_s: float) -> None:
        """Ask, as a task of its own, unless it is too late for that or too many are under way."""
        assert self._group is not None, "it is made by run()"
        if late_s > schedule.rhythm.limit_s / 2:
            self._tell_behind(schedule.name, intended, f"its turn came {late_s:.3f} s late")
            return
        if len(schedule.under_way) >= schedule.rhythm.bound:
            self._tell_behind(schedule.name, intended, f"{schedule.rhythm.bound} are under way")
            return
        task = self._group.create_task(schedule.ask(schedule, intended, schedule.asked))
        schedule.asked += 1
        schedule.under_way[task] = intended
        task.add_done_callback(lambda done: schedule.under_way.pop(done, None))

    def _note(self, schedule: _Schedule, answer: Answer) -> None:
        """Take in whether a turn was answered, and ask in between from now on where it was not."""
        schedule.edge.note(answer)
        wanted = schedule.edge.near and schedule.rhythm.parts > 1 and not self._stopping.is_set()
        if wanted and self._group is not None and (schedule.in_between is None or schedule.in_between.done()):
            schedule.in_between = self._group.create_task(self._ask_in_between(schedule))

    async def _flush(self) -> None:
        while True:
            await self._lateness.sleep_until(now() + FLUSH_EVERY_S)
            self._events.flush()

    async def _tell_clock(self) -> None:
        while True:
            self._events.add(
                "clock", by="prober", boottime=clock.boottime(), utc=clock.utc_iso(timespec="microseconds")
            )
            await asyncio.sleep(1.0)

    async def _read(self, schedule: _Schedule, intended: float, number: int) -> None:
        probe, written = self._plan.read, self._written
        answer = await self._exchange.send(probe.request, kept=number % 2 == 1, limit_s=probe.limit_s)
        self._record(schedule, intended, judged_read(probe, answer, written=written), "answered")

    async def _expect(self, probe: ExpectProbe, schedule: _Schedule, intended: float, number: int) -> None:
        answer = await self._exchange.send(probe.request, kept=number % 2 == 1, limit_s=probe.limit_s)
        self._record(schedule, intended, judged_expect(probe, answer), "answered")

    async def _write(self, schedule: _Schedule, intended: float, number: int) -> None:
        """Create something, note it in the ledger, and read it back, all within the probe's limit."""
        identity, content = f"{MARK}{self._plan.run}-{number}", secrets.token_hex(32)
        kept, asked, limit_s = number % 2 == 1, now(), schedule.rhythm.limit_s
        assert self._store is not None, "there is no such schedule where nothing is written"
        entry: dict[str, Any] = {"id": identity, "asked": asked, "digest": digest(content)}
        try:
            made = await self._store.write(identity, content, kept=kept, limit_s=limit_s)
        except asyncio.CancelledError:
            self._events.add("write", **entry, answered=None, outcome="indeterminate")
            raise
        key = {} if made.key is None else {"key": made.key}
        self._events.add("write", t=made.answer.done, **entry, answered=made.answered, outcome=made.certainty, **key)
        answer = made.answer
        if made.certainty == "acknowledged":
            self._written = True
            found = await self._store.read(Entry(identity, made.key), kept=kept, limit_s=limit_s)
            answer = replace(judged_read_back(content, found), sent=answer.sent)
        self._record(schedule, intended, answer, "written and read back")

    def _record(self, schedule: _Schedule, intended: float, answer: Answer, done: str) -> None:
        """Note one turn, if it says something of the service; `why` tells in one line what is wrong with it."""
        limit_s = schedule.rhythm.limit_s
        told = in_time(answer, limit_s, done)
        if told.outcome is Outcome.TIMEOUT:
            own_s = self._lateness.within(answer.sent, answer.done)
            would_do = answer.outcome is Outcome.OK and answer.done - answer.sent - own_s <= limit_s
            if would_do or own_s >= limit_s / 2:
                self._tell_behind(schedule.name, intended, f"{told.why}, {own_s:.3f} s of it this process's own delay")
                return
        self._note(schedule, told)
        self._events.add(
            "request",
            t=told.done,
            source="probe",
            name=schedule.name,
            intended=intended,
            sent=told.sent,
            done=told.done,
            outcome=told.outcome,
            status=told.status,
            conn=told.conn,
            write=schedule.name == WRITE,
            **({"why": told.why} if told.why else {}),
        )

    def _tell_behind(self, name: str, intended: float, why: str) -> None:
        self._events.add("prober", state="behind", name=name, intended=intended, why=why)


def in_time(answer: Answer, limit_s: float, what: str) -> Answer:
    """An answer that is right, as a `timeout` (which keeps its status) if it came after its limit."""
    took = answer.done - answer.sent
    if answer.outcome is not Outcome.OK or took <= limit_s:
        return answer
    return replace(answer, outcome=Outcome.TIMEOUT, why=f"{what} only after {took:.3f} s, the limit is {limit_s:g} s")


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
