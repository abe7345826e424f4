"""Objectives from a file of OpenSLO v1 (https://github.com/OpenSLO/OpenSLO); docs/objectives.md explains them.

Belongs here: reading such files, and what their service levels mean in a drill. Not here: measuring them
(`muster.verdict`).
"""

from muster.objectives.openslo.translate import ServiceLevels, read_openslo

__all__ = ["ServiceLevels", "read_openslo"]
