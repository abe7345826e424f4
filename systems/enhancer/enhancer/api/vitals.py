"""The two figures that tell whether workflows get on."""

import asyncio

from enhancer import metrics
from enhancer.live_settings import LiveSettings
from enhancer.storage.errors import UnavailableError
from enhancer.storage.roster import Roster
from enhancer.storage.workflows import WorkflowStore

MAX_STUCK = 1000  # counting more would say no more, and take time when there is least of it


class Vitals:
    """Agents available and workflows stuck. Looking publishes them as metrics, too."""

    def __init__(self, roster: Roster, store: WorkflowStore, settings: LiveSettings) -> None:
        self._roster = roster
        self._store = store
        self._settings = settings

    async def look(self) -> tuple[int | None, int | None]:
        """Agents available and workflows stuck (at most MAX_STUCK), each None if the database does not tell."""
        available, stuck = await asyncio.gather(self._available(), self._stuck())
        metrics.AGENTS_AVAILABLE.set(float("nan") if available is None else available)
        metrics.WORKFLOWS_STUCK.set(float("nan") if stuck is None else stuck)
        return available, stuck

    async def _available(self) -> int | None:
        try:
            agents = await self._roster.agents(self._settings.current.agent_silent_s)
        except UnavailableError:
            return None
        return sum(agent.available for agent in agents)

    async def _stuck(self) -> int | None:
        now = self._settings.current
        try:
            return await self._store.count_stuck(now.stuck_after_s, MAX_STUCK, limit_s=now.request_limit_s)
        except UnavailableError:
            return None
