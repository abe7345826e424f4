"""A cluster without processes, for tests of controllers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from muster.embedded.access.accounts import Accounts
from muster.embedded.addresses import Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.controllers.manager import ControllerManager
from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import timestamp
from muster.embedded.resources import DEPLOYMENTS, NAMESPACES, NODES, PODS, STATEFULSETS, Resource
from muster.embedded.status import StatusError
from muster.embedded.store import Event, Store

Object = dict[str, Any]


class PretendNode:
    """Takes pods up and reports them ready, except those whose name holds one of `broken`'s words."""

    def __init__(self, store: Store, addresses: Addresses) -> None:
        self._store = store
        self._addresses = addresses
        self.broken: set[str] = set()
        self.slow_to_end = False
        store.create(NODES, {"metadata": {"name": "node"}, "spec": {}})
        ready = {"type": "Ready", "status": "True"}
        store.update_status(NODES, {**store.get(NODES, "", "node"), "status": {"conditions": [ready]}})
        store.subscribe(PODS, self._note)

    def _note(self, event: Event) -> None:
        if event.type != "DELETED" and event.shared["spec"].get("nodeName"):
            asyncio.get_running_loop().call_soon(self._serve, *event.key)

    def _serve(self, namespace: str, name: str) -> None:
        pod = self._store.find(PODS, namespace, name)
        if pod is None:
            return
        if pod["metadata"].get("deletionTimestamp"):
            if not self.slow_to_end:
                self.end(pod)
        elif not pod["status"].get("podIP"):
            self.report(pod, ready=not any(word in pod["spec"]["containers"][0]["image"] for word in self.broken))

    def end(self, pod: Object) -> None:
        """The pod's processes are gone."""
        options = DeleteOptions(grace_seconds=0, uid=pod["metadata"]["uid"])
        self._store.delete(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"], options)

    def report(self, pod: Object, *, ready: bool) -> None:
        """Write the pod's status."""
        status = pod["status"]
        status["phase"] = "Running"
        status["podIP"] = status.get("podIP") or self._addresses.take_pod()
        others = [c for c in status.get("conditions") or () if c["type"] != "Ready"]
        found = {"type": "Ready", "status": str(ready), "lastTransitionTime": timestamp()}
        status["conditions"] = [*others, found]
        self._store.update_status(PODS, pod)


class Bench:
    """A store with its controllers and a pretend node, and a namespace `ns`."""

    def __init__(self, store: Store, node: PretendNode) -> None:
        self.store = store
        self.node = node

    def pods(self, **labels: str) -> list[Object]:
        """Pods of the namespace that have these labels."""
        return self.store.objects(PODS, "ns", lambda p: labels.items() <= (p["metadata"].get("labels") or {}).items())

    def names(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.pods()]

    def change(self, resource: Resource, name: str, **spec: Any) -> Object:
        """Set fields of an object's spec."""
        while True:
            obj = self.store.get(resource, "ns", name)
            obj["spec"] |= spec
            try:
                return self.store.update(resource, obj)
            except StatusError as error:
                if error.code != 409:
                    raise

    async def until(self, look: Callable[[], Any], what: str) -> Any:
        """Wait until `look` returns something true."""
        async with asyncio.timeout(10):
            while not (found := look()):  # noqa: ASYNC110 - many kinds of changes are looked for
                await asyncio.sleep(0.01)
        assert found, what
        return found

    async def settle(self) -> None:
        """Let everything that is under way happen."""
        version = -1
        while version != self.store.version:
            version = self.store.version
            await asyncio.sleep(0.1)

    def deployed(self, name: str = "web") -> bool:
        """Whether a Deployment's rollout is through."""
        deployment = self.store.get(DEPLOYMENTS, "ns", name)
        status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
        return status.get("observedGeneration") == deployment["metadata"]["generation"] and all(
            status.get(field, 0) == wanted for field in ("replicas", "updatedReplicas", "availableReplicas")
        )

    def is_up(self, name: str = "db") -> bool:
        """Whether all pods of a StatefulSet are ready and of the present revision."""
        statefulset = self.store.get(STATEFULSETS, "ns", name)
        status = statefulset.get("status") or {}
        wanted = statefulset["spec"]["replicas"]
        same = status.get("observedGeneration") == statefulset["metadata"]["generation"]
        return same and all(status.get(f, 0) == wanted for f in ("replicas", "readyReplicas", "updatedReplicas"))


def on_bench(test: Callable[[Bench], Awaitable[None]]) -> Callable[[], None]:
    """Runs an asynchronous test on a bench of its own."""

    def run() -> None:
        asyncio.run(_run(test))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


async def _run(test: Callable[[Bench], Awaitable[None]]) -> None:
    with Addresses.claim() as addresses:
        store = Store(ClusterRules(addresses))
        store.create(NAMESPACES, {"metadata": {"name": "ns"}})
        controllers = ControllerManager(store, "PEM", Accounts(store))
        bench = Bench(store, PretendNode(store, addresses))
        controllers.start()
        try:
            await test(bench)
        finally:
            await controllers.stop()


def template(image: str = "app:1") -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}]},
    }


def deployment(name: str = "web", replicas: int = 3, image: str = "app:1", **spec: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"replicas": replicas, "selector": selector, "template": template(image), **spec},
    }


def statefulset(name: str = "db", replicas: int = 3, image: str = "app:1", **spec: Any) -> Object:
    return {
        **deployment(name, replicas, image, **spec),
        "spec": {**deployment(replicas=replicas, image=image)["spec"], "serviceName": name, **spec},
    }
