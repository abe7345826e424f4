"""Whose answers clients get: the system's own workloads', or somebody else's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from muster.kube import Cluster
from muster.system.definition import SystemDefinition
from muster.system.pods import owners_of

Object = dict[str, Any]
SERVICE_LABEL = "kubernetes.io/service-name"


class Origin:
    """Looks at where the system's own Service leads clients, again and again."""

    def __init__(self, cluster: Cluster, system: SystemDefinition, manifests: Iterable[Object]) -> None:
        self._cluster, self._system = cluster, system
        self._own = {f"{item['kind']}/{item['metadata']['name']}" for item in manifests}
        self._known: dict[str, bool] = {}  # whether a pod of that uid belongs to one of them

    def foreign(self, pods: Mapping[str, Object] | None = None) -> list[str]:
        """What clients are led to and belongs to none of the manifests' workloads, sorted: pods, or addresses.

        `pods` are those that there are, by their names, where that is known.

        Raises:
            ClusterError: the cluster does not answer, or forbids to look.
        """
        service = self._cluster.find("Service", self._system.service.name, self._system.namespace)
        if service is None:
            return []
        if service["spec"].get("type") == "ExternalName":
            return [str(service["spec"].get("externalName"))]
        labels = f"{SERVICE_LABEL}={self._system.service.name}"
        slices = self._cluster.list("EndpointSlice", self._system.namespace, labels=labels)
        if pods is None:
            pods = {pod["metadata"]["name"]: pod for pod in self._cluster.list("Pod", self._system.namespace)}
        there = pods
        endpoints = (endpoint for part in slices for endpoint in part.get("endpoints") or [])
        return sorted({strange for endpoint in endpoints for strange in self._strange(endpoint, there)})

    def _strange(self, endpoint: Object, pods: Mapping[str, Object]) -> Iterator[str]:
        target = endpoint.get("targetRef") or {}
        if target.get("kind") != "Pod":
            yield ", ".join(endpoint.get("addresses") or ["nobody"])
            return
        pod = pods.get(str(target.get("name")))
        if pod is not None and not self._belongs(pod):  # one that is gone takes its endpoint with it
            yield f"pod {pod['metadata']['name']}"

    def _belongs(self, pod: Object) -> bool:
        uid = pod["metadata"]["uid"]
        if uid not in self._known:
            owners = owners_of(pod)
            names = [owner.partition("/")[2] for owner in owners if owner.startswith("ReplicaSet/")]
            sets = (self._cluster.find("ReplicaSet", name, self._system.namespace) for name in names)
            owners += [higher for found in sets if found is not None for higher in owners_of(found)]
            self._known[uid] = bool({f"Pod/{pod['metadata']['name']}", *owners} & self._own)
        return self._known[uid]
