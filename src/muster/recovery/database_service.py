"""How clients are led to the database: the Service, the topology that names the primary, and the pod behind both."""

from __future__ import annotations

from typing import Any

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.system import Database
from muster.system.state import SystemState


class DatabaseService:
    """Asks a cluster where a system's database is to be, and where its clients are led."""

    def __init__(self, state: SystemState, namespace: str) -> None:
        """Take the database's part of system.yaml.

        Raises:
            UsageError: it has none.
        """
        self._cluster: Cluster = state.cluster
        self._state, self._namespace = state, namespace
        self._database: Database = state.database

    def named_primary(self) -> str:
        """The instance that the topology names.

        Raises:
            RefusedError: it names none that system.yaml knows.
        """
        database = self._database
        found = self._cluster.get("ConfigMap", database.topology, self._namespace)
        named = str(found.get("data", {}).get(database.topology_key, ""))
        if named not in database.instances:
            raise RefusedError(
                f"ConfigMap {database.topology} names primary '{named}', none of {', '.join(database.instances)}"
            )
        return named

    def selector(self) -> dict[str, str]:
        """What the Service selects pods by."""
        service = self._cluster.get("Service", self._database.service, self._namespace)
        return dict(service["spec"].get("selector") or {})

    def endpoints(self) -> set[str]:
        """The addresses that the Service leads to at this moment."""
        labels = f"kubernetes.io/service-name={self._database.service}"
        slices = self._cluster.list("EndpointSlice", self._namespace, labels=labels)
        endpoints: list[dict[str, Any]] = [one for item in slices for one in item.get("endpoints") or []]
        return {
            address
            for endpoint in endpoints
            if endpoint.get("conditions", {}).get("ready", True)
            for address in endpoint["addresses"]
        }

    def leads_to(self, instance: str) -> bool:
        """Whether the Service selects an instance, and leads to its pod and nowhere else.

        Both are asked: without a selector a Service goes on leading where it led, until that pod is gone.
        """
        if self.selector().get(self._database.selector_key) != instance:
            return False
        wanted = {pod.get("status", {}).get("podIP") for pod in self._state.instance_pods(instance)}
        return bool(wanted) and self.endpoints() == wanted
