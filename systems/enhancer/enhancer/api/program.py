"""`python -m enhancer api`."""

import uvloop
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from enhancer.admission import Admission, TokenBucket, bucket_of
from enhancer.api.metering import Metering
from enhancer.api.replies import HANDLERS
from enhancer.api.service import Readiness, ServiceHandlers
from enhancer.api.workflows import WorkflowHandlers
from enhancer.background import background
from enhancer.live_settings import LiveSettings
from enhancer.serving import Server, port_from_environment
from enhancer.storage import schema
from enhancer.storage.connection import Address
from enhancer.storage.pool import Pool
from enhancer.storage.primary import PrimaryWatch
from enhancer.storage.roster import Roster
from enhancer.storage.workflows import WorkflowStore


def run() -> None:
    """Serve until SIGTERM; raises SettingsError before anything is done."""
    settings = LiveSettings.from_environment()
    uvloop.run(_serve(settings, port_from_environment()))


async def _serve(settings: LiveSettings, port: int) -> None:
    address, now = Address.from_environment(), settings.current
    # Writes that wait for a lost standby must not take the connections of readers.
    reading = Pool("read", address, int(now.read_connections))
    writing = Pool("write", address, int(now.write_connections))
    watch = PrimaryWatch(address, reading, writing)
    readiness = Readiness(settings, reading, writing)
    bucket = bucket_of(now.admission_rate, now.admission_burst_s)
    settings.on_change(lambda new: bucket.set(new.admission_rate, new.admission_burst_s))
    workflows = WorkflowHandlers(WorkflowStore(reading, writing), settings)
    service = ServiceHandlers(settings, readiness, watch, Roster(reading, now.request_limit_s / 2))
    server = Server(application(workflows, service, bucket), port, now.drain_s, readiness.leave)

    async def install() -> None:
        await schema.install(address)
        readiness.installed = True

    async with background(reading.run(), writing.run(), watch.run(), settings.follow(), install()):
        await server.serve()


def application(workflows: WorkflowHandlers, service: ServiceHandlers, bucket: TokenBucket) -> ASGIApp:
    """The API as an ASGI application: what is not admitted costs next to nothing."""
    routes = [
        Route("/workflows/{id}", workflows.read),
        Route("/workflows", workflows.create, methods=["POST"]),
        Route("/workflows", workflows.list),
        Route("/agents", service.agents),
        Route("/healthz", service.healthz),
        Route("/readyz", service.readyz),
        Route("/status", service.status),
        Route("/metrics", service.metrics),
    ]
    return Admission(Metering(Starlette(routes=routes, exception_handlers=HANDLERS)), bucket)
