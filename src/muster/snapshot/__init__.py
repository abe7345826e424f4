"""What is looked at: one snapshot of a system, gathered at once, saved and read back.

Belongs here: what a snapshot holds, gathering it from a cluster within a limit, files of it, and what of it is never
kept. What it means does not: see `muster.checks`.
"""

from muster.snapshot.model import LogTail, Missing, Object, Ref, Snapshot, ref_of
from muster.snapshot.reading import read_snapshot, scenarios_of
from muster.snapshot.saving import save_snapshot

__all__ = [
    "LogTail",
    "Missing",
    "Object",
    "Ref",
    "Snapshot",
    "read_snapshot",
    "ref_of",
    "save_snapshot",
    "scenarios_of",
]
