"""A system at a glance: what a snapshot and its diagnosis say of it, in one screen.

Belongs here: what is shown, and how it reads. What is wrong and why is `muster.diagnosis`'s.
"""

from muster.status.glance import SCHEMA, Glance, Shown, glance

__all__ = ["SCHEMA", "Glance", "Shown", "glance"]
