"""How a rehearsal is watched, whose bakes are shorter than they will be in earnest."""

from __future__ import annotations

from muster.system.release_analysis import ReleaseAnalysis

LEAST_EVERY_S = 1.0
LEAST_HOLD_S = 10.0


def scaled(settings: ReleaseAnalysis, scale: float) -> ReleaseAnalysis:
    """The settings of a rehearsal whose bakes are shorter by a factor: looks are no closer than they can be taken, what
    lacks is waited for as long as it takes to come, and of the least samples as much less is asked, yet never fewer
    than a few."""
    if scale == 1:
        return settings
    told = settings.model_dump()
    told["every_s"] = max(settings.every_s, LEAST_EVERY_S * scale)
    told["hold_s"] = max(settings.hold_s, LEAST_HOLD_S * scale)
    for name in settings.names():
        least = told[name]["least"]
        told[name]["least"] = max(round(least / scale), min(least, 30 if name in ("error_rate", "latency") else 2))
    return ReleaseAnalysis.model_validate(told)
