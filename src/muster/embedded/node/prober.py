"""What befalls a running container: post-start hook, then startup, readiness and liveness probes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from muster.embedded.node import probes
from muster.embedded.node.contracts import Probed
from muster.embedded.objects import Object


class Prober:
    """Asks one container how it is and keeps `ready` and `started` of its state."""

    def __init__(self, container: Probed) -> None:
        self._container = container

    async def run(self, hook: Object, settled: asyncio.Event) -> None:
        """Probe until cancelled. `settled` is set when the container has started."""
        spec = self._container.state.spec
        if hook and not await self._post_start(hook):
            return
        if spec.get("startupProbe") and not await self._start_up(spec["startupProbe"]):
            return
        self._container.state.started = True
        self._container.state.ready = not spec.get("readinessProbe")
        settled.set()
        self._container.changed()
        async with asyncio.TaskGroup() as group:
            if spec.get("readinessProbe"):
                group.create_task(self._watch_readiness(spec["readinessProbe"]))
            if spec.get("livenessProbe"):
                group.create_task(self._watch_liveness(spec["livenessProbe"]))

    async def _post_start(self, hook: Object) -> bool:
        if "sleep" in hook:
            await asyncio.sleep(float(hook["sleep"].get("seconds") or 0))
            return True
        good, why = await probes.look(hook, self._container.target(), within=3600)
        if not good:
            self._container.warn("FailedPostStartHook", f"PostStartHook failed: {why}")
            self._container.give_up("post-start hook", None)
        return good

    async def _start_up(self, probe: Object) -> bool:
        """Whether the startup probe came to succeed; if not, the container is being ended."""
        streak = probes.Streak(probes.Timing.of(probe), None)
        async for good, why in self._answers(probe, streak):
            if good:
                return True
            self._container.unhealthy("Startup", why)
            if streak.verdict is False:
                self._give_up("startup", probe)
                return False
        return False

    async def _watch_readiness(self, probe: Object) -> None:
        streak = probes.Streak(probes.Timing.of(probe), False)
        async for good, why in self._answers(probe, streak):
            if not good:
                self._container.unhealthy("Readiness", why)
            if self._container.state.ready != streak.verdict:
                self._container.state.ready = bool(streak.verdict)
                self._container.changed()

    async def _watch_liveness(self, probe: Object) -> None:
        streak = probes.Streak(probes.Timing.of(probe), True)
        async for good, why in self._answers(probe, streak):
            if not good:
                self._container.unhealthy("Liveness", why)
            if streak.verdict is False:
                self._give_up("liveness", probe)
                return

    def _give_up(self, kind: str, probe: Object) -> None:
        grace = probe.get("terminationGracePeriodSeconds")
        self._container.give_up(kind, None if grace is None else float(grace))

    async def _answers(self, probe: Object, streak: probes.Streak) -> AsyncIterator[tuple[bool, str]]:
        """Ask again and again: (success, what was wrong), counted in `streak`."""
        timing = probes.Timing.of(probe)
        loop = asyncio.get_running_loop()
        due = loop.time() + (timing.initial_delay or probes.FIRST_LOOK_S)
        while True:
            await asyncio.sleep(max(due - loop.time(), 0))
            good, why = await probes.look(probe, self._container.target(), timing.timeout)
            streak.add(good)
            yield good, why
            due = max(due + timing.period, loop.time())
