"""What keeps pods running in a namespace, and what procedures do with it: whether it is rolled out, restarting it."""

from __future__ import annotations

from typing import Any

from muster.base.clock import utc_iso
from muster.base.errors import UsageError
from muster.kube import Cluster
from muster.steps import Progress
from muster.system.pods import Trouble, controller_of, is_ready, troubles
from muster.system.state import shortfall

KINDS = ("Deployment", "StatefulSet")
# What `kubectl rollout restart` writes; its value is for people.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
Object = dict[str, Any]


class Workload:
    """A Deployment or a StatefulSet. Everything is asked of the cluster anew."""

    def __init__(self, cluster: Cluster, namespace: str, kind: str, name: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.kind, self.name = kind, name

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def read(self) -> Object:
        """The object as it is now."""
        return self.cluster.get(self.kind, self.name, self.namespace)

    @property
    def replicas(self) -> int:
        """How many pods it is to have."""
        return int(self.read()["spec"].get("replicas", 1))

    def scale(self, replicas: int) -> None:
        """Have it keep so many pods."""
        self.cluster.scale(self.kind, self.name, self.namespace, replicas)

    def restart(self, progress: Progress) -> None:
        """Have every pod made anew, a few at a time, as `kubectl rollout restart` does it. Does not wait for that.

        When that was asked for is kept in `progress`: one that goes on asks for the same, which changes nothing.
        """
        stamp = progress.once(f"restart of {self}", utc_iso)
        patch = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: stamp}}}}}
        self.cluster.patch(self.kind, self.name, self.namespace, patch)

    def unready(self) -> str | None:
        """What is missing until all its pods are up to date and ready, a phrase; None where nothing is."""
        return shortfall(self.read())

    def is_rolled_out(self) -> bool:
        """Whether all its pods are up to date and ready, and no other of them is left."""
        return self.unready() is None

    def makers(self) -> list[Object]:
        """What makes its pods: itself, or the ReplicaSets of a Deployment, the newest first."""
        own = self.read()
        if self.kind != "Deployment":
            return [own]
        found = [rs for rs in self._list("ReplicaSet") if _made_by(rs, {own["metadata"]["uid"]})]
        return sorted(found, key=lambda rs: str(rs["metadata"].get("creationTimestamp")), reverse=True)

    def pods(self) -> list[Object]:
        """Its pods, those on their way out included."""
        makers = {maker["metadata"]["uid"] for maker in self.makers()}
        return [pod for pod in self._list("Pod") if _made_by(pod, makers)]

    def ready_pods(self) -> list[Object]:
        """Those of its pods that are ready."""
        return [pod for pod in self.pods() if is_ready(pod)]

    def troubles(self) -> list[Trouble]:
        """Containers of its pods that crash or cannot start; pods on their way out do not count."""
        staying = [pod for pod in self.pods() if "deletionTimestamp" not in pod["metadata"]]
        return [trouble for pod in staying for trouble in troubles(pod)]

    def _list(self, kind: str) -> list[Object]:
        return self.cluster.list(kind, self.namespace)


def find_workload(cluster: Cluster, namespace: str, name: str) -> Workload:
    """The Deployment or StatefulSet of that name, as system.yaml names workloads.

    Raises:
        UsageError: there is neither.
    """
    for kind in KINDS:
        if cluster.find(kind, name, namespace) is not None:
            return Workload(cluster, namespace, kind, name)
    there = sorted(item["metadata"]["name"] for kind in KINDS for item in cluster.list(kind, namespace))
    raise UsageError(
        f"workload '{name}' is neither a Deployment nor a StatefulSet in namespace '{namespace}' "
        f"(there are: {', '.join(there) or 'none'})"
    )


def _made_by(item: Object, makers: set[str]) -> bool:
    return (controller_of(item) or {}).get("uid") in makers
