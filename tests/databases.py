"""The reference system's two databases, for tests that need nothing else of it."""

from __future__ import annotations

from pathlib import Path

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery import find_procedure
from muster.safety import AuditLog
from muster.steps import Context, Outcome, run
from muster.system import read_system
from muster.system.manifests import read_manifests
from muster.system.state import SystemState

ROOT = Path(__file__).resolve().parents[1]
DATABASE = {"db", "db-a", "db-b", "db-topology", "db-scripts", "db-credentials"}


class Databases:
    """The reference system's two databases, without anything that uses them."""

    def __init__(self, cluster: Cluster, namespace: str, directory: Path) -> None:
        self.cluster = cluster
        self.system = read_system(ROOT / "systems" / "enhancer").model_copy(update={"namespace": namespace})
        self.state = SystemState(cluster, self.system)
        self.context = Context(cluster, self.system, self.system.namespace, None, AuditLog(directory / "audit.jsonl"))

    def deploy(self) -> None:
        for item in read_manifests(self.system.manifest_directory):
            if item["metadata"]["name"] in DATABASE:
                self.cluster.create(item, self.system.namespace)
        self.wait_whole()

    def wait_whole(self) -> None:
        wait_for(
            lambda: self.state.replication_trouble() is None,
            within=120,
            every=0.2,
            reason="one primary and its standby",
            latest=lambda: str(self.state.replication_trouble()),
        )

    def lose(self, instance: str) -> None:
        self.cluster.scale("StatefulSet", instance, self.system.namespace, 0)
        self.cluster.delete("Pod", f"{instance}-0", self.system.namespace, grace_s=0)
        wait_for(lambda: not self.state.instance_pods(instance), within=60, reason=f"{instance} to be gone")

    def write(self, instance: str, value: str) -> None:
        assert self.state.query(instance, "create table if not exists kept (value text)") is not None
        assert self.state.query(instance, f"insert into kept values ('{value}')") is not None

    def kept(self, instance: str) -> list[str]:
        return (self.state.query(instance, "select value from kept order by value") or "").splitlines()

    def topology(self) -> str:
        return str(self.cluster.get("ConfigMap", "db-topology", self.system.namespace)["data"]["primary"])

    def clients_reach(self) -> str:
        return str(self.cluster.get("Service", "db", self.system.namespace)["spec"]["selector"]["instance"])

    def promote(self) -> Outcome:
        return run(find_procedure("promote-standby"), self.context)
