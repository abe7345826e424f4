"""A store and a real kubelet for tests that run real pods, without an API server around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from muster.base.clock import now
from muster.embedded.addresses import Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.node.images import Images
from muster.embedded.node.kubelet import Kubelet
from muster.embedded.objects import Object
from muster.embedded.resources import EVENTS, NAMESPACES, PODS
from muster.embedded.store import Store

NAMESPACE = "test"


class World:
    """A node with pods in one namespace."""

    def __init__(self, store: Store, node: Kubelet, state: Path, addresses: Addresses) -> None:
        self.store = store
        self.node = node
        self.state = state
        self.addresses = addresses

    def run(self, name: str, command: list[str], *, container: Object | None = None, **spec: Any) -> Object:
        """Bind a pod of one container to the node."""
        main = {"name": "main", "image": "python:3.11-slim", "command": command, **(container or {})}
        spec = {"nodeName": "embedded", "terminationGracePeriodSeconds": 1, "containers": [main], **spec}
        return self.store.create(PODS, {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})

    def status(self, name: str) -> Object:
        """The pod's status; empty once the pod is gone."""
        pod = self.store.find(PODS, NAMESPACE, name)
        return (pod or {}).get("status") or {}

    def main(self, name: str) -> Object:
        """The status of the pod's first container."""
        return (self.status(name).get("containerStatuses") or [{"state": {}, "lastState": {}}])[0]

    async def until(self, look: Callable[[], object], reason: str, within: float = 30.0) -> None:
        """Wait until `look` returns something true."""
        deadline = now() + within
        while not look():
            assert now() < deadline, f"waited {within:g} s for {reason}"
            await asyncio.sleep(0.01)

    async def finished(self, name: str) -> str:
        """Wait for the pod to run to its end; its phase."""
        await self.until(lambda: self.status(name).get("phase") in ("Succeeded", "Failed"), f"{name} to end")
        return self.status(name)["phase"]

    async def running(self, name: str) -> None:
        await self.until(lambda: "running" in self.main(name)["state"], f"{name} to run")

    async def output(self, name: str, **options: Any) -> str:
        """What the pod's container has printed."""
        pieces = [piece async for piece in self.node.logs(NAMESPACE, name, None, **options)]
        return b"".join(pieces).decode()

    async def inside(self, name: str, *command: str) -> tuple[int, str]:
        """Run a program in the pod: exit code and output."""
        process = await self.node.exec(NAMESPACE, name, None, list(command), stdin=False, tty=False)
        try:
            output = b""
            while piece := await process.read_stdout():
                output += piece
            return await process.wait(), output.decode()
        finally:
            await process.close()

    def reasons(self, name: str) -> list[str]:
        """Reasons of the events about the pod, as often as each was counted."""
        events = [stored.shared for stored in sorted(self.store.scan(EVENTS, NAMESPACE), key=lambda e: e.version)]
        return [e["reason"] for e in events if e["involvedObject"]["name"] == name for _ in range(e["count"])]


@asynccontextmanager
async def _world(state: Path, images: Images, run_id: str) -> AsyncIterator[World]:
    with Addresses.claim() as addresses:
        store = Store(ClusterRules(addresses))
        store.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
        node = Kubelet(store, images, state, addresses, run_id)
        await node.start()
        try:
            yield World(store, node, state, addresses)
        finally:
            await node.stop()


InWorld = Callable[[Callable[[World], Awaitable[None]]], None]


@pytest.fixture
def in_world(tmp_path: Path) -> InWorld:
    """Runs a coroutine function with a new world, which ends with it."""

    def run(test: Callable[[World], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with _world(tmp_path / "state", Images.load(None), f"node-{tmp_path.name}") as world:
                await test(world)

        uvloop.run(whole())

    return run
