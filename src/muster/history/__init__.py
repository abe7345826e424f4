"""Every drill of every run, kept in a database, and what the years say: figures over time, change, cadence, evidence.

Belongs here: tables and their migrations, writing a run, and pure statistics over what was read. Not here: judging a
drill (`muster.verdict`), showing one run (`muster.report`), and printing (`muster.cli`). Rehearsal and cluster evidence
are never mixed: figures are compared within one system, cluster and kind of evidence only.
"""

from muster.history.errors import HistoryError
from muster.history.facts import RunFacts
from muster.history.store import History

__all__ = ["History", "HistoryError", "RunFacts"]
