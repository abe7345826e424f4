"""How a system is struck: Chaos Toolkit experiments, run as processes of their own, and what is seen of their effect.

`controls` and `activities` are named by the experiment files and run in the experiment's process; the other modules run
in the drill's. Belongs here: injecting and observing. What that means for the service does not: see `muster.verdict`.
"""

from muster.faults.effects import Observation, build_observer
from muster.faults.experiments import Experiment, find_experiment, read_experiment
from muster.faults.injection import FaultError, Injection

__all__ = [
    "Experiment",
    "FaultError",
    "Injection",
    "Observation",
    "build_observer",
    "find_experiment",
    "read_experiment",
]
