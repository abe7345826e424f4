"""Backups of a system's database and configuration, and the way back from them.

A *base* is a copy of the database at one moment, with the system's configuration; the *archive* is what was written
since, shipped piece by piece (segments of the write-ahead log). Both lie in a *store*, encrypted in the age format, so
that whoever has the key opens them without muster. A base counts for something once it was *verified*: restored into a
scratch instance, and counted there. Restoring is a recovery procedure (`muster.backup.restore`).
"""

from muster.backup.errors import BackupError
from muster.backup.keys import Identities, Recipients
from muster.backup.plan import Plan, plan_restore
from muster.backup.retention import expired
from muster.backup.store import Base, Segment, Store, Verification

__all__ = [
    "BackupError",
    "Base",
    "Identities",
    "Plan",
    "Recipients",
    "Segment",
    "Store",
    "Verification",
    "expired",
    "plan_restore",
]
