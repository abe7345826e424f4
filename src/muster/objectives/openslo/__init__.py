"""Objectives from a file of OpenSLO v1 (https://github.com/OpenSLO/OpenSLO); docs/objectives.md explains them.

Belongs here: reading such files, what their service levels mean in a drill, and what a Prometheus is to be asked for
those that it knows of. Not here: measuring them (`muster.verdict`), asking (`muster.snapshot`).
"""

from muster.objectives.openslo.series import SeriesLevel, read_series
from muster.objectives.openslo.translate import ServiceLevels, read_openslo
from muster.objectives.openslo.watched import PagingAlert, WatchedLevel, read_watched

__all__ = [
    "PagingAlert",
    "SeriesLevel",
    "ServiceLevels",
    "WatchedLevel",
    "read_openslo",
    "read_series",
    "read_watched",
]
