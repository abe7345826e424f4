"""Which way of sharing traffic a cluster offers a system."""

from __future__ import annotations

from dataclasses import replace

from muster.base.errors import RefusedError
from muster.kube import ApiError
from muster.release.traffic.routes import Routes
from muster.release.traffic.shares import ReplicaShares
from muster.release.traffic.virtual_services import VirtualServices
from muster.release.traffic.way import Shared, TrafficWay
from muster.safety.rights import is_forbidden
from muster.wire.names import KINDS

WAYS: dict[str, type[Routes | VirtualServices | ReplicaShares]] = {
    way.name: way for way in (Routes, VirtualServices, ReplicaShares)
}


def way_named(name: str, shared: Shared) -> TrafficWay:
    """The way of that name."""
    return WAYS[name](shared)


def choose(wanted: str, shared: Shared) -> TrafficWay:
    """The way that system.yaml names, or the finest that the cluster has: VirtualServices that lead to the Service,
    else HTTPRoutes, else the number of pods. It knows what it needs to go back; nothing is changed yet.

    Raises:
        RefusedError: the way that is named is not there.
        ClusterError: the cluster does not answer, or does not let the way that is named be looked at.
    """
    if wanted in ("auto", "virtualservice"):
        virtual = VirtualServices(shared)
        kept = virtual.prepare() if _serves(shared, "VirtualService", named=wanted != "auto") else {}
        if kept:
            return VirtualServices(replace(shared, kept=kept))
        if wanted != "auto":
            raise RefusedError(
                f"refused: no VirtualService in namespace '{shared.namespace}' leads to Service '{shared.service}' "
                "alone, and release.traffic.way of system.yaml says 'virtualservice'"
            )
    if wanted in ("auto", "httproute"):
        if _serves(shared, "HTTPRoute", named=wanted != "auto"):
            return Routes(replace(shared, kept=Routes(shared).prepare()))
        if wanted != "auto":
            raise RefusedError(
                "refused: this cluster does not serve HTTPRoute (gateway.networking.k8s.io/v1), and "
                "release.traffic.way of system.yaml says 'httproute'"
            )
    return ReplicaShares(replace(shared, kept=ReplicaShares(shared).prepare()))


def _serves(shared: Shared, kind: str, *, named: bool) -> bool:
    """Whether the cluster has a kind, and lets it be looked at: where it is named it must."""
    try:
        shared.cluster.request("GET", KINDS[kind].path(shared.namespace), query={"limit": "1"})
    except ApiError as error:
        if error.code == 404 or (is_forbidden(error) and not named):
            return False
        raise
    return True
