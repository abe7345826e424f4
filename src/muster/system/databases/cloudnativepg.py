"""CloudNativePG: its custom resource tells who is primary, and is told who is to be.

A promotion is asked for as `kubectl cnpg promote` does it: by the status of the Cluster, whose `targetPrimary` the
operator then makes the primary, fencing the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from muster.base.clock import utc_iso
from muster.base.errors import ClusterError, RefusedError
from muster.kube import ApiError, Cluster
from muster.kube.client import MERGE_PATCH
from muster.system.databases.declared import CloudNativePgDatabase
from muster.system.databases.instances import Instance
from muster.wire.names import Kind

CLUSTERS = Kind("Cluster", "postgresql.cnpg.io/v1", "clusters")


class CloudNativePg:
    """A Cluster of CloudNativePG in a namespace."""

    def __init__(self, cluster: Cluster, namespace: str, declared: CloudNativePgDatabase) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, declared.cluster
        self.changes: Sequence[str] = [f"Service/{declared.leading}"]

    def instances(self) -> list[Instance]:
        """As the status tells: primary is `currentPrimary`, well are those of `instancesStatus.healthy`."""
        status = self._read().get("status") or {}
        groups: dict[str, list[str]] = status.get("instancesStatus") or {}
        state = {name: group for group, names in groups.items() for name in names}
        known = dict.fromkeys([*(status.get("instanceNames") or []), *state])
        current = status.get("currentPrimary")
        return [
            Instance(name, name == current, state.get(name) == "healthy", state.get(name, "not there"))
            for name in known
        ]

    def promote(self, instance: str) -> str:
        """Have the operator make an instance the primary."""
        patch = {
            "status": {
                "targetPrimary": instance,
                "targetPrimaryTimestamp": utc_iso(),
                "phase": "Switchover in progress",
                "phaseReason": f"Switching over to {instance}",
            }
        }
        path = CLUSTERS.path(self._namespace, self._name, "status")
        try:
            self._cluster.request("PATCH", path, body=patch, content_type=MERGE_PATCH)
        except ApiError as error:
            raise RefusedError(f"Cluster {self._name} does not take {instance} for its primary: {error}") from error
        return f"Cluster {self._name} is to have {instance} as its primary"

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._cluster.request("GET", CLUSTERS.path(self._namespace, self._name)).json()
        except ApiError as error:
            if error.code != 404:
                raise
            raise ClusterError(
                f"there is no Cluster '{self._name}' of CloudNativePG in namespace '{self._namespace}': {error}"
            ) from error
        return found
