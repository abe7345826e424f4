"""How clients are shared between two versions: by HTTPRoute, by VirtualService, or by how many pods each has.

Belongs here: each way, and choosing one. Which share is right at what time does not: see `muster.release.steps`.
"""

from muster.release.traffic.choosing import choose, way_named
from muster.release.traffic.routes import Routes
from muster.release.traffic.shares import ReplicaShares
from muster.release.traffic.virtual_services import VirtualServices
from muster.release.traffic.way import Shared, Split, TrafficWay

__all__ = [
    "ReplicaShares",
    "Routes",
    "Shared",
    "Split",
    "TrafficWay",
    "VirtualServices",
    "choose",
    "way_named",
]
