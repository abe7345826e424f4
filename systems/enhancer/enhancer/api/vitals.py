"""The figures that tell whether workflows get on."""

import asyncio
from dataclasses import dataclass

from enhancer import metrics
from enhancer.live_settings import LiveSettings
from enhancer.protocol import SPOKEN
from enhancer.storage.errors import UnavailableError
from enhancer.storage.roster import Roster
from enhancer.storage.workflows import WorkflowStore

MAX_STUCK = 1000  # counting more would say no more, and take time when there is least of it


@dataclass(frozen=True)
class Seen:
    """Agents available, workers of a protocol that is not spoken here, and workflows stuck (at most MAX_STUCK); each is
    None if the database does not tell.
    """

    available: int | None
    incompatible: int | None
    stuck: int | None


class Vitals:
    """Looks at them, and publishes them as metrics, too."""

    def __init__(self, roster: Roster, store: WorkflowStore, settings: LiveSettings) -> None:
        self._roster = roster
        self._store = store
        self._settings = settings

    async def look(self) -> Seen:
        """How it is now."""
        seen = Seen(*await asyncio.gather(self._available(), self._incompatible(), self._stuck()))
        for gauge, value in (
            (metrics.AGENTS_AVAILABLE, seen.available),
            (metrics.AGENTS_INCOMPATIBLE, seen.incompatible),
            (metrics.WORKFLOWS_STUCK, seen.stuck),
        ):
            gauge.set(float("nan") if value is None else value)
        return seen

    async def _available(self) -> int | None:
        try:
            agents = await self._roster.agents(self._settings.current.agent_silent_s)
        except UnavailableError:
            return None
        return sum(agent.available for agent in agents)

    async def _incompatible(self) -> int | None:
        try:
            return await self._roster.incompatible(SPOKEN, self._settings.current.agent_silent_s)
        except UnavailableError:
            return None

    async def _stuck(self) -> int | None:
        now = self._settings.current
        try:
            return await self._store.count_stuck(now.stuck_after_s, MAX_STUCK, limit_s=now.request_limit_s)
        except UnavailableError:
            return None
