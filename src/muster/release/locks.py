"""Who looks after a release now: a Lease of the namespace, beside the record.

It only tells whether somebody does; what keeps one who was taken for dead from acting is the record's epoch.
"""

from __future__ import annotations

import contextlib

from muster.kube import ApiError, Cluster
from muster.safety.locks import ProcedureLock, find_tenure

NAME = "muster-release"


class ReleaseLock(ProcedureLock):
    """Held by whoever looks after a release. One whose holder died is waited for: somebody must go on with it."""

    name, what = NAME, "release"


def end_tenure(cluster: Cluster, namespace: str) -> None:
    """Delete the Lease of somebody who looked after a release and is gone; one that is renewed stays its holder's.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = find_tenure(cluster, namespace, NAME)
    if found is not None and found.has_run_out:
        with contextlib.suppress(ApiError):  # somebody has it by now
            cluster.unobserved().delete("Lease", NAME, namespace, version=found.version)
