"""The engine of steps: running a procedure, keeping how far it came, going on with it, taking it back, saying its plan.

Belongs here: what holds for everything that is done in named steps, whoever asks for it and whatever it is for. The
procedures themselves do not: see `muster.recovery` and `muster.backup`.
"""

from muster.steps.engine import run
from muster.steps.outcome import Outcome, StepObserver, StepOutcome
from muster.steps.planning import PlannedStep, plan
from muster.steps.procedure import NO_PARAMETERS, Context, Entitled, Outlined, Procedure, Step, StepOutline
from muster.steps.progress import Progress
from muster.steps.running import Noted, Running, Told, Turn
from muster.steps.taking_back import take_back

__all__ = [
    "NO_PARAMETERS",
    "Context",
    "Entitled",
    "Noted",
    "Outcome",
    "Outlined",
    "PlannedStep",
    "Procedure",
    "Progress",
    "Running",
    "Step",
    "StepObserver",
    "StepOutcome",
    "StepOutline",
    "Told",
    "Turn",
    "plan",
    "run",
    "take_back",
]
