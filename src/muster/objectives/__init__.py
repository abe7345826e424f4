"""What is wanted of a system and of one drill: objectives, their severities, and the drill as declared.

Belongs here: targets and how many samples they need. Not here: what was measured (`muster.verdict`).
"""

from muster.objectives.burn_alert import BurnAlert
from muster.objectives.declaration import Declaration, ProbeSpec, Unmeasured
from muster.objectives.objective import Objective
from muster.objectives.severity import SEVERITIES, SeverityTargets, severity_targets

__all__ = [
    "SEVERITIES",
    "BurnAlert",
    "Declaration",
    "Objective",
    "ProbeSpec",
    "SeverityTargets",
    "Unmeasured",
    "severity_targets",
]
