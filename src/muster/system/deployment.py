"""Putting a system onto a cluster that muster made itself, and taking it back to where it began."""

from __future__ import annotations

from typing import Any

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.kube import ApiError, Cluster
from muster.system.definition import SystemDefinition
from muster.system.manifests import read_manifests
from muster.wire.names import KINDS, MANAGED_BY_LABEL, MANAGED_BY_VALUE, OPT_IN_LABEL, OPT_IN_VALUE


def deploy(cluster: Cluster, system: SystemDefinition) -> None:
    """Make the system's namespace and create its manifests' objects in it. Does not wait for pods.

    Raises:
        RefusedError: the cluster is not embedded, or the namespace exists and is not muster's own.
    """
    if not cluster.embedded:
        raise RefusedError(
            f"muster deploys to the embedded cluster only; apply {system.manifest_directory} to context "
            f"'{cluster.context}' with the tools that you deploy with"
        )
    _make_namespace(cluster, system.namespace)
    for item in read_manifests(system.manifest_directory):
        if item["kind"] != "Namespace":
            cluster.create(item, system.namespace if KINDS[item["kind"]].namespaced else None)


def remove(cluster: Cluster, system: SystemDefinition, *, within: float = 30.0) -> None:
    """Delete the system's namespace with all that is in it, and wait until it is gone.

    Raises:
        RefusedError: the namespace was not made by muster.
        TimeoutExceededError: something in it does not go.
    """
    namespace = cluster.find("Namespace", system.namespace)
    if namespace is None:
        return
    _refuse_foreign(namespace)
    cluster.delete("Namespace", system.namespace)
    wait_for(
        lambda: cluster.find("Namespace", system.namespace) is None,
        within=within,
        reason=f"namespace {system.namespace} to be gone",
    )


def _make_namespace(cluster: Cluster, name: str) -> None:
    labels = {OPT_IN_LABEL: OPT_IN_VALUE, MANAGED_BY_LABEL: MANAGED_BY_VALUE}
    try:
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    except ApiError as error:
        if error.code != 409:
            raise
        _refuse_foreign(cluster.get("Namespace", name))


def _refuse_foreign(namespace: dict[str, Any]) -> None:
    if namespace["metadata"].get("labels", {}).get(MANAGED_BY_LABEL) != MANAGED_BY_VALUE:
        raise RefusedError(
            f"namespace '{namespace['metadata']['name']}' was not made by muster, so it is neither filled nor deleted"
        )
