"""What a timeline proves: pure functions from events to met, missed or unknown.

Belongs here: what verdicts are and what they hang on. Not here: anything that looks at a cluster or a clock.
docs/measurement.md tells the reasons at length.

`judge` walks the way once, through the rooms in this order, and imports run back along it only:

    reading      a timeline is read and put in order
    disruption   what happened to service, when, and who brought it back
    objectives   each of them is judged
    doubts       a green is doubted
    conclusion   the verdict, and its words
    many         what many drills prove
"""

from muster.verdict.entry import DrillVerdict
from muster.verdict.judge import judge, judge_file
from muster.verdict.verdicts import Verdict, combine

__all__ = ["DrillVerdict", "Verdict", "combine", "judge", "judge_file"]
