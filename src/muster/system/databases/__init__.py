"""Replicated databases, each asked in its own way: which instances there are, which is primary, how far the others are.

Belongs here: asking, and having a standby promoted where the database has a way for that of its own. When that is
right decides `muster.recovery`. PostgreSQL in streaming replication without any such tool is promoted step by step
there, with a fence; see `muster.recovery.promote_standby`.
"""

from muster.system.databases.declared import (
    AnyDatabase,
    CloudNativePgDatabase,
    CommandDatabase,
    Database,
    PatroniDatabase,
)
from muster.system.databases.instances import Instance, Promotes, Replicated, primaries_of, trouble_of

__all__ = [
    "AnyDatabase",
    "CloudNativePgDatabase",
    "CommandDatabase",
    "Database",
    "Instance",
    "PatroniDatabase",
    "Promotes",
    "Replicated",
    "primaries_of",
    "trouble_of",
]
