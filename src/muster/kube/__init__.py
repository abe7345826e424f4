"""The client of any cluster, and the launcher of the embedded one.

Belongs here: connecting, requests, exec, kubeconfig files. What a system is made of does not: see `muster.system`.
"""

from muster.kube.changes import Change
from muster.kube.client import ApiError, Cluster, ExecResult
from muster.kube.connect import connect, contexts, isolated_kubeconfig
from muster.kube.launch import EmbeddedCluster

__all__ = [
    "ApiError",
    "Change",
    "Cluster",
    "EmbeddedCluster",
    "ExecResult",
    "connect",
    "contexts",
    "isolated_kubeconfig",
]
