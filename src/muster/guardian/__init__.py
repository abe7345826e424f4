"""What takes a fault back when nobody else does: a process of its own beside each session, and `muster guard` for whole
clusters.

A guardian strikes nothing and judges nothing. It watches that whoever struck is alive, that no fault lasts longer than
its record allows, and that nobody wants drills to stop; where one of these fails it undoes from the records first, and
tells afterwards.
"""

from muster.guardian.guardian import Guardian, GuardianError
from muster.guardian.levers import FORBIDDEN, Lever, check_allowed, find_levers

__all__ = ["FORBIDDEN", "Guardian", "GuardianError", "Lever", "check_allowed", "find_levers"]
