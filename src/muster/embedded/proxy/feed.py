"""Keeps the proxy's process running and tells it which Service leads where.

The real kube-proxy writes its rules at most once a second, and writing takes it a moment: a change is in force after
that moment if the last writing is older than a second, else when the second is over. Clients notice, so it is the same
here. Routes are another thing: what is in front of their backends hears of a change at once, and so does the proxy.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import orjson

from muster.base.clock import now
from muster.embedded.events import EventRecorder
from muster.embedded.gateway.attachment import Attachments, attach
from muster.embedded.objects import Key
from muster.embedded.proxy import table
from muster.embedded.resources import (
    ENDPOINTSLICES,
    GATEWAYCLASSES,
    GATEWAYS,
    HTTPROUTES,
    NAMESPACES,
    SERVICES,
    Resource,
)
from muster.embedded.store import Event, Store

log = logging.getLogger(__name__)
MIN_SYNC_S = 1.0
WRITING_S = 0.03  # as recorded on a real cluster
RESTART_S = 0.1  # doubled for a process that ended within STEADY_S of its start
LAST_RESTART_S = 5.0
STEADY_S = 5.0

_OF_ROUTES = ("GatewayClass", "Gateway", "HTTPRoute")
_ROUTING = (HTTPROUTES, GATEWAYS, GATEWAYCLASSES, SERVICES, ENDPOINTSLICES, NAMESPACES)

Rules = dict[table.Place, tuple[Key, list[table.Place]]]


class ServiceProxy:
    """The proxy, as `contracts.Proxy` wants it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._recorder = EventRecorder(store, "kube-proxy")
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._due: asyncio.TimerHandle | None = None
        self._synced = float("-inf")
        self._stale = False  # something has changed since the table was read
        self._table: Rules = {}
        self._routes = Attachments()
        self._routing: asyncio.Handle | None = None
        self._sent: dict[int, Attachments] = {}  # what the process was told and has not confirmed, by version
        self._version = 0
        self.in_force = Attachments()
        self.failed: dict[table.Place, str] = {}
        self.confirmed: Callable[[], None] = lambda: None

    @property
    def pid(self) -> int | None:
        """The process, if it runs at present."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and begin to feed it."""
        for resource in (SERVICES, ENDPOINTSLICES):
            self._unsubscribe.append(self._store.subscribe(resource, self._changed))
        for resource in _ROUTING:
            self._unsubscribe.append(self._store.subscribe(resource, self._routing_changed))
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process and wait for it."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for handle in (self._due, self._routing):
            if handle:
                handle.cancel()
        if self._keeper:
            self._keeper.cancel()
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                async with asyncio.timeout(1.0):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _launch(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "muster.embedded.proxy",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "MUSTER_RUN_ID": self._run_id},
            start_new_session=True,
        )
        self._table = self._wanted()
        self._send_table()
        self._sent.clear()
        self.in_force, self._routes = Attachments(), attach(self._store)
        self.failed.clear()
        self._send_routes()

    async def _keep(self) -> None:
        """Hear what the process cannot do, and start it again when it has ended."""
        wait = RESTART_S
        while True:
            process, launched = self._process, now()
            assert process is not None
            assert process.stdout is not None
            while line := await process.stdout.readline():
                self._hear(orjson.loads(line))
            status = await process.wait()
            wait = RESTART_S if now() - launched > STEADY_S else min(wait * 2, LAST_RESTART_S)
            log.warning("the Service proxy has ended with status %d and is started again in %g s", status, wait)
            await asyncio.sleep(wait)
            await self._launch()

    def _hear(self, message: dict[str, Any]) -> None:
        if "routed" in message:
            self.in_force = self._sent.pop(message["routed"], self.in_force)
            self.failed = {place: why for place, why in self.failed.items() if place in self.in_force.rules}
            self.confirmed()
            return
        place, why = message["failed"], message["why"]
        port = int(place.rpartition(":")[2])
        hint = "; ports below 1024 need root or a lower net.ipv4.ip_unprivileged_port_start: take 1024 or above"
        kind, owner = self._owner(place)
        text = f"the {kind.kind}'s address {place} cannot be listened on: {why}{hint if port < 1024 else ''}"
        self.failed[place] = text
        found = self._store.find(kind, *owner) if owner else None
        if found is not None:
            self._recorder.warning(found, "FailedToListen", text)
        log.warning("%s", text)

    def _owner(self, place: table.Place) -> tuple[Resource, Key | None]:
        """Whose address a place is."""
        if place in self._routes.owners:
            return GATEWAYS, self._routes.owners[place]
        return SERVICES, self._table.get(place, (None, []))[0]

    def ended(self, address: str) -> None:
        """A program of this address has ended: from now on a kernel refuses what it listened on."""
        self._send({"ended": address})

    def gone(self, address: str) -> None:
        """Nobody has this address any more."""
        self._send({"gone": address})

    def _changed(self, _event: Event) -> None:
        self._stale = True
        if self._due is None:
            wait = max(self._synced + MIN_SYNC_S - now(), 0.0)
            self._due = asyncio.get_running_loop().call_later(wait, self._sync)

    def _routing_changed(self, event: Event) -> None:
        is_of_routes = event.stored.shared["kind"] in _OF_ROUTES
        if self._routing is None and (is_of_routes or self._routes.outcomes or self._routes.rules):
            self._routing = asyncio.get_running_loop().call_soon(self._route)

    def _route(self) -> None:
        """Tell the proxy of routes and their endpoints as they are now; several writes of one moment are one change."""
        self._routing = None
        found = attach(self._store)
        if (found.rules, found.generations) != (self._routes.rules, self._routes.generations):
            self._routes = found
            self._send_routes()
        else:
            self._routes = found

    def _send_routes(self) -> None:
        self._version += 1
        self._sent[self._version] = self._routes
        self._send({"routes": self._routes.rules, "version": self._version})

    def _sync(self) -> None:
        """Begin to write the table as it is now; what changes meanwhile is for the next time."""
        self._stale = False
        self._due = asyncio.get_running_loop().call_later(WRITING_S, self._write, self._wanted())

    def _write(self, wanted: Rules) -> None:
        self._due = None
        self._synced = now()  # a sync counts, whatever it finds
        if wanted != self._table:
            self._table = wanted
            self._send_table()
        if self._stale:
            self._due = asyncio.get_running_loop().call_later(MIN_SYNC_S, self._sync)

    def _wanted(self) -> Rules:
        services = (stored.shared for stored in self._store.scan(SERVICES))
        return table.build(services, (stored.shared for stored in self._store.scan(ENDPOINTSLICES)))

    def _send_table(self) -> None:
        self._send({"table": {place: endpoints for place, (_, endpoints) in self._table.items()}})

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(orjson.dumps(message) + b"\n")
