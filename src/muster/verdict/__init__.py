"""What a timeline proves: pure functions from events to met, missed or unknown.

Belongs here: definitions of MEASURES.md, one question a file. Not here: anything that looks at a cluster or a clock.
docs/measurement.md tells the reasons at length.
"""

from muster.verdict.entry import DrillVerdict
from muster.verdict.judge import judge, judge_file
from muster.verdict.verdicts import Verdict, combine

__all__ = ["DrillVerdict", "Verdict", "combine", "judge", "judge_file"]
