"""What the service says of itself: health, readiness, status, metrics."""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from enhancer import metrics
from enhancer.admission import RecentCount
from enhancer.api.replies import reply
from enhancer.api.vitals import Vitals
from enhancer.live_settings import LiveSettings
from enhancer.storage.pool import Pool
from enhancer.storage.primary import PrimaryWatch
from enhancer.storage.schema import AGENTS
from enhancer.version import version

MIN_AVAILABLE = AGENTS - 1


class Readiness:
    """Whether this pod should be sent requests: the schema is installed and there is a primary.

    A primary that is gone is missed by all pods alike. Taking them all out of the Service would tell clients
    less, and add the time to come back into it to every failover: only after `unready_after_s` without one is
    it this pod's own trouble.
    """

    def __init__(self, settings: LiveSettings, *pools: Pool) -> None:
        self._settings = settings
        self._pools = pools
        self._clock = asyncio.get_running_loop().time
        self._missing_since: float | None = None
        self._leaving = False
        self.installed = False

    def leave(self) -> None:
        """Be ready no more: the pod is about to end."""
        self._leaving = True

    def why_not(self) -> str | None:
        """What is missing, or None."""
        if self._leaving:
            return "shutting down"
        if not self.installed:
            return "the schema is not installed on both databases yet"
        return f"no connection to a primary for {self._missing_s():.0f} s" if self._misses_primary() else None

    def _misses_primary(self) -> bool:
        if all(pool.connected for pool in self._pools):
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = self._clock()
        return self._missing_s() > self._settings.current.unready_after_s

    def _missing_s(self) -> float:
        return 0.0 if self._missing_since is None else self._clock() - self._missing_since


class ServiceHandlers:
    """What a pod says of itself and of the system."""

    def __init__(
        self,
        settings: LiveSettings,
        readiness: Readiness,
        watch: PrimaryWatch,
        refused: RecentCount,
        vitals: Vitals,
    ) -> None:
        self._settings = settings
        self._readiness = readiness
        self._watch = watch
        self._refused = refused
        self._vitals = vitals

    async def healthz(self, _: Request) -> Response:
        """The process answers; nothing else is asked."""
        return PlainTextResponse("ok")

    async def readyz(self, _: Request) -> Response:
        """200, or 503 with the reason."""
        why = self._readiness.why_not()
        return PlainTextResponse(why or "ok", 503 if why else 200)

    async def status(self, _: Request) -> Response:
        """How this pod sees the system; what the database would have to tell is null while it does not."""
        primary = self._watch.primary
        vitals = await self._vitals.look()
        why_not = self._readiness.why_not()
        return reply(
            {
                "version": version(),
                "settings_version": self._settings.version,
                "settings_error": self._settings.error,
                "admission_rate": self._settings.current.admission_rate,
                "refused_per_s": self._refused.per_s(),
                "ready": why_not is None,
                "not_ready_because": why_not,
                "database": {"instance": primary.name, "host": primary.host} if primary else None,
                "agents_available": vitals.available,
                "agents_total": AGENTS,
                "agents_incompatible": vitals.incompatible,
                "degraded": vitals.available is None or vitals.available < MIN_AVAILABLE,
                "workflows_stuck": vitals.stuck,
            }
        )

    async def metrics(self, _: Request) -> Response:
        """Prometheus' text format."""
        await self._vitals.look()
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")
