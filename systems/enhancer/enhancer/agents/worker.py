"""A worker: holds a fair share of the agents and runs each as a task."""

import asyncio
import logging
from collections import Counter

from enhancer import metrics
from enhancer.agents.defective import performing, protocol_of
from enhancer.agents.desk import Desk, NotRecordedError
from enhancer.defect import Defect
from enhancer.live_settings import LiveSettings
from enhancer.phases import PHASES, PhaseFailedError, Work
from enhancer.storage.errors import IndeterminateError, UnavailableError
from enhancer.storage.roster import Roster, Standing
from enhancer.storage.work import Done

log = logging.getLogger(__name__)

_FINISH_S = 1.0


class Worker:
    """Beats for its agents, takes over those of the silent, gives back what is more than its share."""

    def __init__(
        self, name: str, roster: Roster, desk: Desk, settings: LiveSettings, defect: Defect | None = None
    ) -> None:
        self._name = name
        self._protocol = protocol_of(defect)
        self._perform = performing(defect)
        self._roster = roster
        self._desk = desk
        self._settings = settings
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._done: Counter[int] = Counter()
        self._failed: set[int] = set()
        self._accepted = True
        self._leaving = False
        self.beating = False

    async def run(self) -> None:
        """Beat for ever; then stop the agents."""
        try:
            while True:
                if not self._leaving:
                    await self._beat()
                await asyncio.sleep(self._settings.current.heartbeat_s)
        finally:
            self._employ(frozenset())

    async def _beat(self) -> None:
        done, self._done = self._done, Counter()
        try:
            standing = await self._roster.beat(self._name, self._protocol, done, self._settings.current.agent_expiry_s)
            self._note(standing)
            held = await self._balance(standing.held, standing.share)
        except (UnavailableError, IndeterminateError) as error:
            if self.beating:
                log.warning("no heart-beat: %s", error)
            self.beating = False
            self._done += done
            return
        if not self._leaving:
            self._employ(held)
            self.beating = True

    def _note(self, standing: Standing) -> None:
        if self._accepted and not standing.accepted:
            log.warning("of protocol %d, which the installation is not: no agents are taken", self._protocol)
        self._accepted = standing.accepted

    async def _balance(self, held: frozenset[int], share: int) -> frozenset[int]:
        if len(held) > share:
            surplus = sorted(held)[share:]
            await self._roster.release(self._name, surplus)
            return held.difference(surplus)
        if len(held) < share:
            claimed = await self._roster.claim(self._name, share - len(held), self._settings.current.agent_expiry_s)
            if claimed:
                log.info("took over %d agents", len(claimed))
            return held | claimed
        return held

    def _employ(self, agents: frozenset[int]) -> None:
        for agent in self._tasks.keys() - agents:
            task = self._tasks.pop(agent)
            if agent not in self._busy:  # one at work finishes its phase first
                task.cancel()
        for agent in agents - self._tasks.keys():
            self._tasks[agent] = asyncio.ensure_future(self._work(agent))
        self._failed &= self._tasks.keys()
        metrics.AGENTS_HELD.set(len(self._tasks))
        metrics.AGENTS_FAILED.set(len(self._failed))

    async def _work(self, agent: int) -> None:
        """An agent's life: phase after phase, as long as it is held here."""
        me = self._tasks[agent]
        while self._tasks.get(agent) is me:
            work = await self._desk.fetch()
            self._busy[agent] = me
            try:
                artefact = self._perform(work)
                await asyncio.sleep(self._settings.current.phase_duration_s)
                await self._desk.hand_in(Done(work, agent, artefact))
            except NotRecordedError:
                continue
            except PhaseFailedError as error:
                await self._give_up(agent, work, error)
                continue
            finally:
                self._busy.pop(agent, None)
            self._done[agent] += 1
            self._failed.discard(agent)

    async def _give_up(self, agent: int, work: Work, error: PhaseFailedError) -> None:
        log.warning("agent %d failed at %s of %s: %s", agent, PHASES[work.phase], work.workflow, error)
        metrics.PHASE_FAILURES.inc()
        self._failed.add(agent)
        self._desk.give_up(work)
        await asyncio.sleep(self._settings.current.idle_poll_s)

    async def leave(self) -> None:
        """Finish what is at work, then give all agents back: nobody has to wait for them to expire."""
        self._leaving = True
        self._employ(frozenset())
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=_FINISH_S)
        try:
            await self._roster.leave(self._name)
        except (UnavailableError, IndeterminateError) as error:
            log.warning("left without giving agents back: %s", error)
