"""The client of any cluster, and the launcher of the embedded one.

Belongs here: connecting, requests, exec, kubeconfig files. What a system is made of does not: see `muster.system`.
"""

from muster.kube.access import Access, access_of, access_to
from muster.kube.calls import Call, read_calls
from muster.kube.changes import Change
from muster.kube.client import CHECK, PROCEDURE, RELEASE, Cluster
from muster.kube.connect import connect, connect_context, connect_in_cluster, own_namespace
from muster.kube.errors import ApiError
from muster.kube.execution import ExecResult
from muster.kube.kubeconfig import contexts, isolated_kubeconfig
from muster.kube.launch import EmbeddedCluster, embedded_digests, embedded_images
from muster.kube.proxied import Answer

__all__ = [
    "CHECK",
    "PROCEDURE",
    "RELEASE",
    "Access",
    "Answer",
    "ApiError",
    "Call",
    "Change",
    "Cluster",
    "EmbeddedCluster",
    "ExecResult",
    "access_of",
    "access_to",
    "connect",
    "connect_context",
    "connect_in_cluster",
    "contexts",
    "embedded_digests",
    "embedded_images",
    "isolated_kubeconfig",
    "own_namespace",
    "read_calls",
]
