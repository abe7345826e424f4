"""How a service is brought back: procedures made of named steps, each checked, done and verified.

Belongs here: what an operator does in an emergency, whether a drill or a person started it. How steps are run does not:
see `muster.steps`. What a drill does to have an emergency does not either: see `muster.faults`.
"""

from muster.recovery.registry import find_procedure, procedures

__all__ = ["find_procedure", "procedures"]
