"""What a fault may hit, where and when: the limits of a project and of a cluster, and whether a fault keeps to them.

Belongs here: what `safety.yaml` says (`settings`), where it is found (`sources`), allowed hours (`hours`), how much of
a namespace a fault may hit at most (`radius`), what else must stay well meanwhile (`conditions`). Which objects a fault
touches is told by its experiment: see `muster.faults.touched`. Every limit of every source must be kept, so the
strictest wins.
"""

from muster.safety.limits.conditions import Condition
from muster.safety.limits.radius import ClusterState, Reach, Strike, Touch, check_radius, reach
from muster.safety.limits.settings import SafetySettings, read_settings
from muster.safety.limits.sources import SAFETY_VARIABLE, Limits, find_limits, limits_environment

__all__ = [
    "SAFETY_VARIABLE",
    "ClusterState",
    "Condition",
    "Limits",
    "Reach",
    "SafetySettings",
    "Strike",
    "Touch",
    "check_radius",
    "find_limits",
    "limits_environment",
    "reach",
    "read_settings",
]
