"""The system's present state as the cluster and its database tell it.

Good for what must hold before a drill; never for whether clients are served (object status has said "available"
while clients were being refused).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.kube import ApiError, Cluster
from muster.system.databases.cloudnativepg import CloudNativePg
from muster.system.databases.command import ByCommand
from muster.system.databases.declared import (
    CloudNativePgDatabase,
    CommandDatabase,
    Database,
    PatroniDatabase,
    streaming,
)
from muster.system.databases.instances import Promotes, primaries_of, trouble_of
from muster.system.databases.patroni import Patroni
from muster.system.definition import SystemDefinition
from muster.system.identity import Identity, differences, identity
from muster.system.manifests import read_manifests, workload_names
from muster.system.pods import STUCK

FORBIDDEN = 403
# One row a standby, in seconds and bytes: how it takes part, and how far it is behind.
REPLICATION_QUERY = (
    "select application_name, state, sync_state, coalesce(extract(epoch from replay_lag), 0),"
    " coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn), 0) from pg_stat_replication"
)


@dataclass(frozen=True)
class Standby:
    """A standby as its primary sees it."""

    name: str
    state: str
    sync_state: str
    lag_s: float
    lag_bytes: int


class SystemState:
    """Asks a cluster about the system of a definition."""

    def __init__(self, cluster: Cluster, definition: SystemDefinition) -> None:
        self.cluster = cluster
        self.definition = definition
        self.namespace = definition.namespace
        self._deployed: Identity | None = None
        self.manifests = read_manifests(definition.manifest_directory)
        self._workloads = workload_names(self.manifests)

    def strayed(self) -> list[str]:
        """What is not as it was when this was first asked, a phrase each: where Services lead, what workloads run."""
        now = identity(self.cluster, self.definition, self.manifests)
        if self._deployed is None:
            self._deployed = now
        return differences(self._deployed, now)

    def unready(self) -> list[str]:
        """What is not as the manifests want it, a phrase each; empty when every replica is up to date and ready."""
        return [text for kind, name in self._workloads if (text := self._unready(kind, name))]

    def held_back(self, reasons: Collection[str] = STUCK) -> list[str]:
        """Containers that wait for one of these reasons, a phrase each with what the cluster says of it."""
        said = {}
        for pod in self.cluster.list("Pod", self.namespace):
            for container in pod.get("status", {}).get("containerStatuses", []):
                waiting = container.get("state", {}).get("waiting") or {}
                if waiting.get("reason") in reasons:
                    text = f"{waiting['reason']} {waiting.get('message', '')}".strip()
                    said[text] = f"pod {pod['metadata']['name']}: {text}"
        return sorted(said.values())

    def instance_pods(self, instance: str) -> list[dict[str, Any]]:
        """The pods of a database instance that are not ended."""
        pods = self.cluster.list("Pod", self.namespace)
        return [
            pod
            for pod in pods
            if any(o.get("name") == instance for o in pod["metadata"].get("ownerReferences", []))
            and pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}
        ]

    def primaries(self) -> list[str]:
        """The instances whose running database accepts writes, sorted: exactly one unless something is very wrong."""
        if (replicated := self.replicated) is not None:
            return primaries_of(replicated.instances())
        return [name for name in sorted(self.database.instances) if self.is_primary(name)]

    def is_primary(self, instance: str) -> bool:
        """Whether the instance's database runs and is not in recovery."""
        return self.query(instance, "select not pg_is_in_recovery()") == "t"

    def standbys(self, primary: str) -> list[Standby]:
        """The standbys that stream from `primary`."""
        answer = self.query(primary, REPLICATION_QUERY) or ""
        rows = [line.split("|") for line in answer.splitlines() if line]
        return [Standby(n, state, sync, float(lag), int(float(behind))) for n, state, sync, lag, behind in rows]

    def query(self, instance: str, sql: str) -> str | None:
        """The answer of an instance's database to one statement, unaligned; None where none is to be had.

        Raises:
            ApiError: with code 403, where the cluster does not let it be asked: that says nothing of the database.
        """
        for pod in self.instance_pods(instance):
            command = ["psql", "-tAXc", sql]
            try:
                result = self.cluster.execute(
                    pod["metadata"]["name"], self.namespace, command, container=self.database.container, timeout=5.0
                )
            except ClusterError as error:
                if isinstance(error, ApiError) and error.code == FORBIDDEN:
                    raise
                continue
            if result.code == 0:
                return result.stdout.strip()
        return None

    def replication_trouble(self) -> str | None:
        """Why replication is not as it should be (one primary, every other instance streaming within the limit)."""
        if (replicated := self.replicated) is not None:
            try:
                return trouble_of(replicated.instances())
            except (ClusterError, RefusedError) as error:
                if isinstance(error, ApiError) and error.code == FORBIDDEN:
                    raise
                return str(error)
        primaries = self.primaries()
        standbys = self.standbys(primaries[0]) if len(primaries) == 1 else []
        return trouble_of_replication(self.database, primaries, standbys)

    @property
    def database(self) -> Database:
        """The database's part of system.yaml, of PostgreSQL in streaming replication.

        Raises:
            UsageError: it has none, or one of another kind.
        """
        if self.definition.database is None:
            raise UsageError(f"system '{self.definition.name}' declares no 'database' in its system.yaml")
        return streaming(self.definition.database, "asking single instances")

    @property
    def replicated(self) -> Promotes | None:
        """The database, where a tool of its own looks after it; None where it is PostgreSQL in streaming replication.

        Raises:
            UsageError: system.yaml has none.
        """
        match self.definition.database:
            case CloudNativePgDatabase() as declared:
                return CloudNativePg(self.cluster, self.namespace, declared)
            case PatroniDatabase() as declared:
                return Patroni(declared)
            case CommandDatabase() as declared:
                return ByCommand(self.cluster, self.namespace, declared, self.definition.directory)
        assert self.database
        return None

    def _unready(self, kind: str, name: str) -> str | None:
        found = self.cluster.find(kind, name, self.namespace)
        return f"{kind} {name} does not exist" if found is None else shortfall(found)


def trouble_of_replication(database: Database, primaries: Sequence[str], standbys: Sequence[Standby]) -> str | None:
    """Why replication is not as it should be, a phrase: one primary, every other instance streaming within the limit;
    `standbys` are those that stream from the primary, where there is one. None where it is."""
    if len(primaries) != 1:
        return f"{len(primaries)} primaries ({', '.join(primaries) or 'none'}), want 1"
    streaming = [s for s in standbys if s.state == "streaming" and s.sync_state in {"sync", "quorum"}]
    wanted = len(database.instances) - 1
    if len(streaming) < wanted:
        return f"{len(streaming)} of {wanted} standbys stream synchronously from {primaries[0]}"
    slow = [s for s in streaming if s.lag_s > database.max_replication_lag_s]
    return f"standby {slow[0].name} is {slow[0].lag_s:.1f} s behind" if slow else None


def shortfall(workload: dict[str, Any]) -> str | None:
    """What a Deployment or StatefulSet lacks until every replica is up to date and ready, a phrase; None if nothing."""
    what = f"{workload['kind']} {workload['metadata']['name']}"
    want = workload["spec"].get("replicas", 1)
    status = workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return f"{what} has a change that is not acted upon yet"
    counts = [status.get(field, 0) for field in ("readyReplicas", "updatedReplicas", "replicas")]
    if counts != [want] * 3:
        return f"{what}: {counts[0]} of {want} ready, {counts[1]} up to date"
    return None
