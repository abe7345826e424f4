"""Putting a system onto a cluster that muster made itself, and taking it back to where it began."""

from __future__ import annotations

import contextlib
from typing import Any

from muster.base.clock import now
from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.kube import ApiError, Cluster
from muster.system.definition import SystemDefinition
from muster.system.manifests import read_manifests
from muster.wire.names import KINDS, MANAGED_BY_LABEL, MANAGED_BY_VALUE, OPT_IN_LABEL, OPT_IN_VALUE

PATIENCE_S = 5.0
KILL_GRACE_S = 1
SHOWN = 5


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

    A pod that has not ended after `PATIENCE_S` seconds is killed, however long a grace its manifest grants: nothing
    that it could still save outlives the namespace.

    Raises:
        RefusedError: the cluster is not embedded, or the namespace was not made by muster.
        TimeoutExceededError: something in it does not go; the message names it.
    """
    name = system.namespace
    if not cluster.embedded:
        raise RefusedError(f"muster removes from the embedded cluster only, and not '{name}' from '{cluster.context}'")
    namespace = cluster.find("Namespace", name)
    if namespace is None:
        return
    _refuse_foreign(namespace)
    cluster.delete("Namespace", name)
    killing_from = now() + PATIENCE_S

    def is_gone() -> bool:
        if cluster.find("Namespace", name) is None:
            return True
        if now() >= killing_from:
            _kill_pods(cluster, name)
        return False

    wait_for(is_gone, within=within, reason=f"namespace {name} to be gone", latest=lambda: _left(cluster, name))


def _kill_pods(cluster: Cluster, namespace: str) -> None:
    """Cut short the grace of the pods that are still there."""
    for pod in cluster.list("Pod", namespace):
        if pod["metadata"].get("deletionGracePeriodSeconds", KILL_GRACE_S + 1) > KILL_GRACE_S:
            cluster.delete("Pod", pod["metadata"]["name"], namespace, grace_s=KILL_GRACE_S)


def _left(cluster: Cluster, namespace: str) -> str:
    """What is still in a namespace, with the finalizers that hold it."""
    found = []
    for kind in KINDS.values():
        if kind.namespaced and kind.name != "Event":
            with contextlib.suppress(ApiError):  # a kind that this cluster does not serve
                found += [_described(kind.name, item) for item in cluster.list(kind.name, namespace)]
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "") or "nothing"


def _described(kind: str, item: dict[str, Any]) -> str:
    finalizers = item["metadata"].get("finalizers")
    held = f" (held by finalizer {', '.join(finalizers)})" if finalizers else ""
    return f"{kind} {item['metadata']['name']}{held}"


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
