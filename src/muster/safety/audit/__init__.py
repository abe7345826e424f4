"""The audit log: who did what, from where, to which objects, and how it ended; and whether all of it is still there.

Belongs here: an entry and how entries are chained (`entry`), who acts and from where (`origin`), appending (`log`), and
telling what was done to a log afterwards (`verify`). What is worth an entry is decided where it is done.
"""

from muster.safety.audit.anchor import Anchor, anchors_beside, parse_anchor
from muster.safety.audit.log import AUDIT_VARIABLE, FILE_NAME, AuditError, AuditLog
from muster.safety.audit.origin import who
from muster.safety.audit.verify import Finding, Verification, verify

__all__ = [
    "AUDIT_VARIABLE",
    "FILE_NAME",
    "Anchor",
    "AuditError",
    "AuditLog",
    "Finding",
    "Verification",
    "anchors_beside",
    "parse_anchor",
    "verify",
    "who",
]
