"""The system of a session: deployed by muster on its own cluster, found in place on any other."""

from __future__ import annotations

from dataclasses import dataclass

from muster.base.errors import ClusterError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.safety import check_nothing_open
from muster.system import SystemDefinition, SystemState, deploy, remove
from muster.system.manifests import read_manifests
from muster.system.startup import Startup

WORKLOADS = ("Deployment", "StatefulSet")


@dataclass
class ManagedSystem:
    """A system that drills follow each other on. Only on the embedded cluster is it deployed and reset."""

    cluster: Cluster
    definition: SystemDefinition
    pristine: bool = False

    @property
    def state(self) -> SystemState:
        return SystemState(self.cluster, self.definition)

    def prepare(self) -> None:
        """Have the system in place: deployed where it is not, deployed anew where a drill left it spoilt or scaled.

        Where nothing is deployed, what was left open is looked for first: no load is put on a system that is struck.

        Raises:
            ClusterError: a pod of it cannot start, which no waiting mends.
            TimeoutExceededError: it does not get ready.
            RefusedError: it would have to be made or removed on a cluster that is not muster's own; or a fault is in
                force there, or a procedure was left in its middle.
        """
        if not self.cluster.embedded:
            check_nothing_open(self.cluster, self.definition.namespace)
        if not self.cluster.embedded or (self.pristine and not self._drifted()):
            return
        remove(self.cluster, self.definition)
        deploy(self.cluster, self.definition)
        state, startup = self.state, Startup(self.cluster, self.definition.namespace)
        wait_for(
            lambda: self._is_ready(state, startup),
            within=self.definition.ready_within_s,
            reason=f"system {self.definition.name} to be ready",
            every=0.1,
            latest=lambda: "; ".join([*state.unready(), *state.held_back()]),
        )
        self.pristine = True

    def last_words(self) -> list[str]:
        """Lines for people: each container that does not serve, why, and the end of its log."""
        return Startup(self.cluster, self.definition.namespace).last_words()

    def _is_ready(self, state: SystemState, startup: Startup) -> bool:
        if not state.unready():
            return True
        if hopeless := startup.hopeless():
            raise ClusterError(f"system {self.definition.name} cannot start: {'; '.join(hopeless)}")
        return False

    def _drifted(self) -> bool:
        """Whether a workload has not as many replicas as its manifest says: capacity that nobody took back."""
        return any(
            (found := self.cluster.find(item["kind"], item["metadata"]["name"], self.definition.namespace)) is None
            or found["spec"].get("replicas", 1) != item["spec"].get("replicas", 1)
            for item in read_manifests(self.definition.manifest_directory)
            if item["kind"] in WORKLOADS
        )

    def spoilt(self) -> None:
        """Note that the system may not be as it was: the next drill gets a new one."""
        self.pristine = False
