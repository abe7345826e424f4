"""Every drill of every run, kept in a database, and what the years say: figures over time, change, cadence, evidence.

Belongs here: writing a run, and pure statistics over what was read. Not here: tables (`muster.store`), judging a
drill (`muster.verdict`), showing one run (`muster.report`), and printing (`muster.cli`). Rehearsal and cluster evidence
are never mixed: figures are compared within one system, cluster and kind of evidence only.
"""

from muster.history.facts import RunFacts
from muster.history.store import History
from muster.store.errors import HistoryError

__all__ = ["History", "HistoryError", "RunFacts"]
