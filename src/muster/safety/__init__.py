"""What keeps a fault harmless: the guard in front of it, the record that undoes it, the log of who did what.

Belongs here: what must hold for every fault and every recovery, however it was started. How a system is struck
does not: see `muster.faults`.
"""

from muster.safety.audit import AuditLog
from muster.safety.guards import check_nothing_open, check_target
from muster.safety.held import Held
from muster.safety.locks import DrillLock
from muster.safety.procedures import ProcedureRecord, ProcedureRecordError, begun_procedures
from muster.safety.records import (
    Command,
    Entry,
    Part,
    Record,
    RecordError,
    Undone,
    find_record,
    open_records,
    remember,
    sift_records,
    undo,
)
from muster.safety.rollouts import Rollout

__all__ = [
    "AuditLog",
    "Command",
    "DrillLock",
    "Entry",
    "Held",
    "Part",
    "ProcedureRecord",
    "ProcedureRecordError",
    "Record",
    "RecordError",
    "Rollout",
    "Undone",
    "begun_procedures",
    "check_nothing_open",
    "check_target",
    "find_record",
    "open_records",
    "remember",
    "sift_records",
    "undo",
]
