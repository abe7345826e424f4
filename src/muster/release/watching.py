"""Who looks after a release now."""

from __future__ import annotations

from muster.kube import Cluster
from muster.release.locks import NAME
from muster.safety.locks import find_tenure


def looked_after(cluster: Cluster, namespace: str) -> str | None:
    """Who looks after the release of a namespace, as its Lease says; None where nobody does any more.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = find_tenure(cluster, namespace, NAME)
    return None if found is None or found.has_run_out else found.holder
