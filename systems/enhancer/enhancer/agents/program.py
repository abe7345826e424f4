"""`python -m enhancer agents`."""

import os
import socket

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from enhancer import metrics
from enhancer.agents.desk import Desk
from enhancer.agents.worker import Worker
from enhancer.background import background
from enhancer.defect import Defect
from enhancer.live_settings import LiveSettings
from enhancer.serving import Server, port_from_environment
from enhancer.storage import schema
from enhancer.storage.connection import Address
from enhancer.storage.pool import Pool
from enhancer.storage.primary import PrimaryWatch
from enhancer.storage.roster import Roster
from enhancer.storage.work import WorkQueue


def run(defect: Defect | None) -> None:
    """Work until SIGTERM; raises SettingsError before anything is done."""
    settings = LiveSettings.from_environment()
    uvloop.run(_work(settings, port_from_environment(), defect))


async def _work(settings: LiveSettings, port: int, defect: Defect | None) -> None:
    address, limit_s = Address.from_environment(), settings.current.request_limit_s
    # Leases and heart-beats need not survive a failover: what is lost is claimed again.
    leases = Pool("leases", address, 2, synchronous_commit="off")
    records = Pool("records", address, 1)
    watch = PrimaryWatch(address, leases, records)
    name = os.environ.get("POD_NAME", socket.gethostname())
    desk = Desk(WorkQueue(name, leases, records, limit_s), settings)
    worker = Worker(name, Roster(leases, limit_s), desk, settings, defect)
    server = Server(_application(worker), port, 0, lambda: None)

    async def work() -> None:
        await schema.present(address)
        async with background(desk.give_out(), desk.record()):
            await worker.run()

    async with background(leases.run(), records.run(), watch.run(), settings.follow(), work()):
        await server.serve()
        await worker.leave()


def _application(worker: Worker) -> Starlette:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        return PlainTextResponse("ok" if worker.beating else "no heart-beat", 200 if worker.beating else 503)

    async def exposition(_: Request) -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    routes = {"/healthz": healthz, "/readyz": readyz, "/metrics": exposition}
    return Starlette(routes=[Route(path, handler) for path, handler in routes.items()])
