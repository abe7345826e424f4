"""How a service is brought back: procedures made of named steps, each checked, done and verified.

Belongs here: what an operator does in an emergency, whether a drill or a person started it. What a drill
does to have an emergency does not: see `muster.faults`.
"""

from muster.recovery.procedure import Context, Outcome, Procedure, Step, StepObserver, StepOutcome, run
from muster.recovery.registry import find_procedure, procedures

__all__ = [
    "Context",
    "Outcome",
    "Procedure",
    "Step",
    "StepObserver",
    "StepOutcome",
    "find_procedure",
    "procedures",
    "run",
]
