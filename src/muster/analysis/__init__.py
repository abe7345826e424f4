"""Whether a release is as good as it must be, from what is seen of it beside the stable version.

Belongs here: looks, the statistics over them, the decision after each, recordings of looks and how they are played
again. All of it is pure but for reading and writing recordings. Not here: looking, and doing what was decided.

    look, plan     what is seen; what was planned
    counts         what is new since the look before
    evidence       how strongly counts speak against a limit, valid at every look
    proportions    requests that failed or were slow
    values         failed agents, workflow errors, processor and memory
    decide         go on, promote, hold, or roll back
"""

from muster.analysis.decide import decide
from muster.analysis.judgement import Action, Decision, Judgement, TriggerVerdict
from muster.analysis.look import Counted, Latency, Look, Side, Value
from muster.analysis.plan import PLAN, Phase, Plan
from muster.analysis.state import State

__all__ = [
    "PLAN",
    "Action",
    "Counted",
    "Decision",
    "Judgement",
    "Latency",
    "Look",
    "Phase",
    "Plan",
    "Side",
    "State",
    "TriggerVerdict",
    "Value",
    "decide",
]
