"""What became of releases: how each went, what happened to it, what was seen of it, and what that says over time.

Belongs here: keeping them in the store, asking for them, their picture and their indicators. Bringing one out does not
(`muster.release`), and neither does deciding about it (`muster.analysis`).
"""

from muster.released.facts import EventFacts, KeptRelease, LookFacts
from muster.released.store import NoReleaseError, Releases

__all__ = ["EventFacts", "KeptRelease", "LookFacts", "NoReleaseError", "Releases"]
