"""The system of a session: deployed by muster on its own cluster, found in place on any other."""

from __future__ import annotations

from dataclasses import dataclass

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.system import SystemDefinition, SystemState, deploy, remove


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
        """Have the system in place: deployed where it is not, deployed anew where a drill left it spoilt.

        Raises:
            TimeoutExceededError: it does not get ready.
            RefusedError: it would have to be made or removed on a cluster that is not muster's own.
        """
        if not self.cluster.embedded or self.pristine:
            return
        remove(self.cluster, self.definition)
        deploy(self.cluster, self.definition)
        state = self.state
        wait_for(
            lambda: not state.unready(),
            within=self.definition.ready_within_s,
            reason=f"system {self.definition.name} to be ready",
            every=0.1,
            latest=lambda: "; ".join(state.unready()),
        )
        self.pristine = True

    def spoilt(self) -> None:
        """Note that the system may not be as it was: the next drill gets a new one."""
        self.pristine = False
