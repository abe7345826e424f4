"""How traffic would be shared, for a plan: nothing is changed, and nothing is tried."""

from __future__ import annotations

from muster.kube import Cluster
from muster.release.contents import Contents
from muster.release.traffic import Shared, TrafficWay, choose
from muster.system import SystemDefinition
from muster.wire.canary import beside


def planned_way(cluster: Cluster, system: SystemDefinition, contents: Contents) -> TrafficWay | None:
    """The way that would be taken; None where the release leaves what clients come in by alone.

    Raises:
        RefusedError: the way that system.yaml names is not there.
        ClusterError: the cluster does not answer.
    """
    if (serving := contents.serving) is None:
        return None
    service = system.service
    shared = Shared(
        cluster, system.namespace, "", service.name, service.port, beside(service.name), serving.name, serving.replicas
    )
    return choose(system.release.traffic.way, shared)
