"""From a kubeconfig to a cluster, always through a context that was named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from muster.base.errors import ClusterError
from muster.kube.access import access_of
from muster.kube.client import Cluster
from muster.kube.kubeconfig import only_context, single_context


def connect(kubeconfig: Path, *, embedded: bool = False, timeout: float = 10.0) -> Cluster:
    """Connect to the context of a kubeconfig with a single context; `embedded` says whose cluster that is.

    Raises:
        UsageError: the file is no kubeconfig, names more than one context, or says what cannot be heeded.
        ClusterError: the cluster does not answer.
    """
    return _connected(only_context(kubeconfig), kubeconfig=kubeconfig, embedded=embedded, timeout=timeout)


def connect_context(context: str, *, timeout: float = 10.0) -> Cluster:
    """Connect to a context of the user's kubeconfig without a file of one's own, which nobody else could be given.

    Raises:
        UsageError: there is no such context, or it says what cannot be heeded.
        ClusterError: the cluster does not answer.
    """
    return _connected(single_context(context), kubeconfig=None, embedded=False, timeout=timeout)


def _connected(content: dict[str, Any], *, kubeconfig: Path | None, embedded: bool, timeout: float) -> Cluster:
    access, context = access_of(content, embedded=embedded), content["current-context"]
    cluster = Cluster(access, kubeconfig=kubeconfig, context=context, embedded=embedded, timeout=timeout)
    try:
        cluster.version()
    except ClusterError:
        cluster.close()
        raise
    return cluster
