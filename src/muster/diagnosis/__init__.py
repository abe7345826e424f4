"""From findings to causes: what explains what, how severe it is, what mends it, and how it is told.

Belongs here: the graph of what relies on what, ranking, severity, recent changes, and the texts. Looking does not: see
`muster.checks`.
"""

from muster.diagnosis.diagnose import diagnose
from muster.diagnosis.diagnosis import Cause, Diagnosis

__all__ = ["Cause", "Diagnosis", "diagnose"]
