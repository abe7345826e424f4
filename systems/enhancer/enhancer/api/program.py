"""`python -m enhancer api`."""

import uvloop
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from enhancer.admission import Admission, bucket_of, recent_count
from enhancer.api.agents import AgentHandlers
from enhancer.api.defective import defective, store_of
from enhancer.api.hanging import Hanging
from enhancer.api.metering import Metering
from enhancer.api.replies import HANDLERS
from enhancer.api.service import Readiness, ServiceHandlers
from enhancer.api.vitals import Vitals
from enhancer.api.workflows import WorkflowHandlers
from enhancer.background import background
from enhancer.defect import Defect
from enhancer.live_settings import LiveSettings
from enhancer.serving import Server, port_from_environment
from enhancer.storage import schema
from enhancer.storage.connection import Address
from enhancer.storage.pool import Pool
from enhancer.storage.primary import PrimaryWatch
from enhancer.storage.repair import Repair
from enhancer.storage.roster import Roster


def run(defect: Defect | None) -> None:
    """Serve until SIGTERM; raises SettingsError before anything is done."""
    settings = LiveSettings.from_environment()
    uvloop.run(_serve(settings, port_from_environment(), defect))


async def _serve(settings: LiveSettings, port: int, defect: Defect | None) -> None:
    address, now = Address.from_environment(), settings.current
    # Writes that wait for a lost standby must not take the connections of readers.
    reading = Pool("read", address, int(now.read_connections))
    writing = Pool("write", address, int(now.write_connections))
    watch = PrimaryWatch(address, reading, writing)
    readiness = Readiness(settings, reading, writing)
    bucket = bucket_of(now.admission_rate, now.admission_burst_s)
    settings.on_change(lambda new: bucket.set(new.admission_rate, new.admission_burst_s))
    store, repair = store_of(defect, reading, writing), Repair(address)
    roster = Roster(reading, now.request_limit_s / 2)
    refused = recent_count()
    app = application(
        WorkflowHandlers(store, repair, settings),
        AgentHandlers(roster, repair, settings),
        ServiceHandlers(settings, readiness, watch, refused, Vitals(roster, store, settings)),
        defect,
    )
    server = Server(Hanging(Admission(app, bucket, refused)), port, now.drain_s, readiness.leave)

    async def install() -> None:
        await schema.install(address)
        readiness.installed = True

    async with background(reading.run(), writing.run(), watch.run(), settings.follow(), install()):
        await server.serve()


def application(
    workflows: WorkflowHandlers, agents: AgentHandlers, service: ServiceHandlers, defect: Defect | None = None
) -> ASGIApp:
    """The API as an ASGI application, without its admission limit."""
    routes = [
        Route("/workflows/{id}", workflows.read),
        Route("/workflows/{id}/resume", workflows.resume, methods=["POST"]),
        Route("/workflows", workflows.create, methods=["POST"]),
        Route("/workflows", workflows.listing),
        Route("/agents", agents.listing),
        Route("/agents/release", agents.release, methods=["POST"]),
        Route("/healthz", service.healthz),
        Route("/readyz", service.readyz),
        Route("/status", service.status),
        Route("/metrics", service.metrics),
    ]
    return Metering(defective(Starlette(routes=routes, exception_handlers=HANDLERS), defect))
