"""Who holds the agents, and releasing those of workers that fell silent."""

from starlette.requests import Request
from starlette.responses import Response

from enhancer import metrics
from enhancer.api.replies import RefusedError, body_of, reply
from enhancer.api.workflows import agent_name
from enhancer.live_settings import LiveSettings
from enhancer.storage.repair import Repair
from enhancer.storage.roster import Roster


class AgentHandlers:
    """The endpoints below /agents."""

    def __init__(self, roster: Roster, repair: Repair, settings: LiveSettings) -> None:
        self._roster = roster
        self._repair = repair
        self._settings = settings

    async def listing(self, _: Request) -> Response:
        """All 61 agents."""
        agents = await self._roster.agents(self._settings.current.agent_silent_s)
        return reply(
            {
                "available": sum(agent.available for agent in agents),
                "agents": [
                    {
                        "name": agent_name(agent.id),
                        "holder": agent.holder,
                        "heartbeat": agent.beat,
                        "available": agent.available,
                        "phases": agent.phases,
                    }
                    for agent in agents
                ],
            }
        )

    async def release(self, request: Request) -> Response:
        """An operator's call: agents and phases of silent workers are free at once, not after `agent_expiry_s`."""
        if await body_of(request) != {"silent": True}:
            raise RefusedError(400, "invalid", 'the body must be {"silent": true}: only silent workers are relieved')
        now = self._settings.current
        released = await self._repair.release_silent(now.agent_silent_s, limit_s=now.request_limit_s)
        metrics.AGENTS_RELEASED.inc(len(released.agents))
        return reply(
            {
                "released": [
                    {"name": agent_name(agent), "holder": holder} for agent, holder in released.agents.items()
                ],
                "phases": released.phases,
            }
        )
