"""From a kubeconfig to a cluster, always through a context that was named; or from within a pod to its own cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from muster.base.errors import ClusterError, UsageError
from muster.kube.access import access_of
from muster.kube.client import Cluster
from muster.kube.kubeconfig import only_context, single_context

IN_CLUSTER = "in-cluster"  # what the context of a pod's own cluster is called
ACCOUNT_DIRECTORY = "MUSTER_SERVICE_ACCOUNT"  # names another directory than a pod's usual one
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


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


def connect_in_cluster(*, timeout: float = 10.0) -> Cluster:
    """Connect from within a pod, as its ServiceAccount; the token is read anew for each request, as it is renewed.

    Raises:
        UsageError: this is no pod, or one that was given no token.
        ClusterError: the cluster does not answer.
    """
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    if not host or not port:
        raise UsageError("this is no pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    token, authority = (_account_directory() / name for name in ("token", "ca.crt"))
    if not token.is_file():
        raise UsageError(
            f"this pod has no token at {token}; its manifest must not say automountServiceAccountToken: false"
        )
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": IN_CLUSTER,
        "contexts": [{"name": IN_CLUSTER, "context": {"cluster": IN_CLUSTER, "user": IN_CLUSTER}}],
        "clusters": [{"name": IN_CLUSTER, "cluster": {"server": server, "certificate-authority": str(authority)}}],
        "users": [{"name": IN_CLUSTER, "user": {"tokenFile": str(token)}}],
    }
    return _connected(content, kubeconfig=None, embedded=False, timeout=timeout)


def own_namespace() -> str:
    """The namespace of the pod that this process runs in.

    Raises:
        UsageError: this is no pod, or one that was given no token.
    """
    path = _account_directory() / "namespace"
    try:
        return path.read_text().strip()
    except OSError as error:
        raise UsageError(f"the namespace of this pod cannot be read at {path}: {error.strerror}") from error


def _account_directory() -> Path:
    """Where the token lies. Only where containers see the machine's own files does a manifest name another place, by
    a variable whose value is translated as mount paths are.
    """
    return Path(os.environ.get(ACCOUNT_DIRECTORY) or _ACCOUNT)


def _connected(content: dict[str, Any], *, kubeconfig: Path | None, embedded: bool, timeout: float) -> Cluster:
    access = access_of(content, embedded=embedded)
    cluster = Cluster(access, kubeconfig=kubeconfig, content=content, embedded=embedded, timeout=timeout)
    try:
        cluster.version()
    except ClusterError:
        cluster.close()
        raise
    return cluster
