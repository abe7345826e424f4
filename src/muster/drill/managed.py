"""The system of a session: deployed by muster on its own cluster, found in place on any other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from muster.base.errors import ClusterError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.safety import check_nothing_open
from muster.system import SystemDefinition, SystemState, deploy, remove
from muster.system.startup import Startup


@dataclass
class ManagedSystem:
    """A system that drills follow each other on. Only on the embedded cluster is it deployed and reset."""

    cluster: Cluster
    definition: SystemDefinition
    pristine: bool = False

    @cached_property
    def state(self) -> SystemState:
        return SystemState(self.cluster, self.definition)

    def prepare(self) -> None:
        """Have the system in place: deployed where it is not, deployed anew where a drill left it spoilt or
        another one: scaled, with other images, its Service leading elsewhere.

        Where nothing is deployed, what was left open is looked for first: no load is put on a system that is struck.

        Raises:
            ClusterError: a pod of it cannot start, which no waiting mends.
            TimeoutExceededError: it does not get ready.
            RefusedError: it would have to be made or removed on a cluster that is not muster's own; or a fault is in
                force there, or a procedure was left in its middle.
        """
        if not self.cluster.embedded:
            check_nothing_open(self.cluster, self.definition.namespace)
        if not self.cluster.embedded or (self.pristine and not self.state.strayed()):
            return
        remove(self.cluster, self.definition)
        deploy(self.cluster, self.definition)
        self.__dict__.pop("state", None)  # what it knows is of the one before
        state, startup = self.state, Startup(self.cluster, self.definition.namespace)
        wait_for(
            lambda: self._is_ready(state, startup),
            within=self.definition.ready_within_s,
            reason=f"system {self.definition.name} to be ready",
            every=0.1,
            latest=lambda: "; ".join([*state.unready(), *state.held_back()]),
        )
        state.strayed()  # from now on it is to stay as it is
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

    def spoilt(self) -> None:
        """Note that the system may not be as it was: the next drill gets a new one."""
        self.pristine = False
