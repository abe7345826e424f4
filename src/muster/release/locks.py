"""Who looks after a release now: a Lease of the namespace, beside the record.

It only tells whether somebody does; what keeps one who was taken for dead from acting is the record's epoch.
"""

from __future__ import annotations

from muster.safety.locks import ProcedureLock

NAME = "muster-release"


class ReleaseLock(ProcedureLock):
    """Held by whoever looks after a release. One whose holder died is waited for: somebody must go on with it."""

    name, what = NAME, "release"
