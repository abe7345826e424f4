"""Until when a drill's fault may last at most: later than that its guardian undoes it, whatever the drill does."""

from __future__ import annotations

from muster.faults import Experiment
from muster.faults.aim import TIME_SCALE_VARIABLE
from muster.objectives import Declaration
from muster.system.release import ReleasePlan

BESIDES_S = 600.0


def longest_fault_s(declared: Declaration, experiment: Experiment, plan: ReleasePlan) -> float:
    """For how many seconds a drill's fault may last: as long as it takes to strike, service may take to come back and
    to be held good, a release to be watched as its plan says, and a while for what lies between."""
    awaited = max(declared.rto_budget_s or 0.0, declared.rto_target_s or 0.0)
    if experiment.releases:
        scale = float(experiment.environment.get(TIME_SCALE_VARIABLE, 1.0))  # one that asks for none may scale nothing
        awaited += sum(phase.bake_s for phase in plan.phases) / scale
    return BESIDES_S + experiment.longest_s + awaited + declared.hold_s
