"""Without a router: the Service leads to the pods of both versions, and each gets what its number of pods makes.

The old version keeps all its pods, so the shares are coarse: of three pods and one new one, the new one gets a quarter.
For all of it the Service is led to the new version's pods alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muster.release.canary import replicas_for
from muster.release.traffic.way import Object, Shared, Split
from muster.wire.canary import beside
from muster.wire.names import TRACK_LABEL, TRACK_VALUE


class ReplicaShares:
    """How many pods the new version has, and which ones the Service leads to."""

    name = "replicas"
    by_pods = True

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._cluster = shared.cluster

    def possible(self, share: float) -> float:
        if share in (0.0, 1.0):
            return share
        pods = self.pods(share)
        return pods / (pods + self._shared.replicas)

    def pods(self, share: float) -> int:
        """How many pods of the new version make a share, beside all of the old one's: the nearest number that can also
        carry it."""
        if share == 0:
            return 0
        if share == 1:
            return self._shared.replicas
        return max(round(self._shared.replicas * share / (1 - share)), replicas_for(share, self._shared.replicas))

    def prepare(self) -> Mapping[str, Any]:
        """What the Service selects by."""
        if self._shared.kept:
            return self._shared.kept
        service = self._cluster.get("Service", self._shared.service, self._shared.namespace)
        return {"selector": service["spec"].get("selector") or {}}

    def make(self) -> str:
        return f"traffic is shared by the number of pods: Service {self._shared.service} leads to both versions"

    def read(self) -> Split:
        service, deployment = self._objects()
        if deployment is None:
            return Split(0.0, (service,))
        selector = dict(service["spec"].get("selector") or {})
        track = selector.pop(TRACK_LABEL, None)
        if selector != self._shared.kept["selector"]:
            return Split(None, (service, deployment))
        if track == TRACK_VALUE:
            return Split(1.0, (service, deployment))
        pods = int(deployment["spec"].get("replicas", 1))
        return Split(pods / (pods + self._shared.replicas) if pods else 0.0, (service, deployment))

    def write(self, share: float, split: Split) -> None:
        service, *deployments = split.objects
        if share < 1:  # the old version's pods are led to before a new one's goes
            self._lead(service, to_all=True)
        for deployment in deployments:
            if deployment["spec"].get("replicas", 1) != (pods := self.pods(share)):
                spec = {**deployment["spec"], "replicas": pods}
                self._cluster.replace({**deployment, "spec": spec}, self._shared.namespace)
        if share == 1 and not self._unready():
            self._lead(service, to_all=False)

    def _lead(self, service: Object, *, to_all: bool) -> None:
        selector = dict(self._shared.kept["selector"]) | ({} if to_all else {TRACK_LABEL: TRACK_VALUE})
        if (service["spec"].get("selector") or {}) != selector:
            spec = {**service["spec"], "selector": selector}
            self._cluster.replace({**service, "spec": spec}, self._shared.namespace)

    def lag(self) -> str:
        return self._unready()

    def remove(self) -> str:
        split = self.read()
        self.write(0.0, split)
        return f"led Service {self._shared.service} as before"

    def _unready(self) -> str:
        """What is missing until all pods of the new version are ready."""
        deployment = self._objects()[1]
        if deployment is None:
            return ""
        pods, ready = (
            int(deployment["spec"].get("replicas", 1)),
            int((deployment.get("status") or {}).get("readyReplicas", 0)),
        )
        return "" if ready >= pods else f"{ready} of {pods} pods of the new version are ready"

    def _objects(self) -> tuple[Object, Object | None]:
        service = self._cluster.get("Service", self._shared.service, self._shared.namespace)
        deployment = self._cluster.find("Deployment", beside(self._shared.serving), self._shared.namespace)
        return (
            {**service, "kind": "Service", "apiVersion": "v1"},
            None if deployment is None else {**deployment, "kind": "Deployment", "apiVersion": "apps/v1"},
        )
