"""The objects that a system is made of: of a directory of manifests, or as they are in a namespace."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import UsageError
from muster.kube import ApiError, Cluster
from muster.system.databases.cloudnativepg import CLUSTERS
from muster.system.manifests import read_manifests
from muster.wire.names import KINDS as KNOWN

Object = dict[str, Any]
# Of a namespace these are looked at. Secrets are nobody's business: what names them is enough.
EXPORTED = ("Deployment", "StatefulSet", "Service", "ConfigMap", "PersistentVolumeClaim")
KINDS = (*EXPORTED, "Ingress")
# What the API server, controllers and kubectl add; it says nothing of what somebody wanted.
OF_THE_SERVER = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "ownerReferences",
)
KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"
OF_CONTROLLERS = ("deployment.kubernetes.io/revision", KUBECTL)
OF_EVERY_NAMESPACE = {("ConfigMap", "kube-root-ca.crt"), ("Service", "kubernetes")}


def objects_of_directory(directory: Path) -> tuple[list[Object], str | None]:
    """The manifests of a directory, and their namespace, None where they name none.

    Raises:
        UsageError: there are none, or one is wrong; or they are of several namespaces.
    """
    if not directory.is_dir():
        raise UsageError(f"there is no directory {directory} with manifests")
    objects = read_manifests(directory)
    named = {item["metadata"].get("namespace") for item in objects if item["kind"] != "Namespace"}
    named |= {item["metadata"]["name"] for item in objects if item["kind"] == "Namespace"}
    named.discard(None)
    if len(named) > 1:
        raise UsageError(f"the manifests of {directory} are of several namespaces ({', '.join(sorted(named))})")
    return objects, next(iter(named), None)


def objects_of_namespace(cluster: Cluster, namespace: str) -> list[Object]:
    """What there is in a namespace, as far as drills have to know it; no Secret.

    Raises:
        UsageError: there is no such namespace, or nothing that runs in it.
        ClusterError: the cluster does not answer, or does not let it be seen.
    """
    if cluster.find("Namespace", namespace) is None:
        raise UsageError(f"there is no namespace '{namespace}' in context '{cluster.context}'")
    found: list[Object] = []
    for kind in KINDS:
        listed = _listed(cluster, kind, namespace)
        found += [
            {**item, "kind": kind} for item in listed if (kind, item["metadata"]["name"]) not in OF_EVERY_NAMESPACE
        ]
    if not any(item["kind"] in {"Deployment", "StatefulSet"} for item in found):
        raise UsageError(f"namespace '{namespace}' of context '{cluster.context}' has no Deployment and no StatefulSet")
    return [item for item in found if not _is_musters(item)] + _cloudnativepg(cluster, namespace)


def _listed(cluster: Cluster, kind: str, namespace: str) -> list[Object]:
    try:
        return cluster.list(kind, namespace)
    except ApiError as error:
        if error.code != 404:  # a kind that this cluster does not serve
            raise
        return []


def export(objects: list[Object]) -> str:
    """Objects of a cluster as manifests, without what the cluster adds; YAML, as a text."""
    kept = [
        _exported(item) for item in objects if item["kind"] in EXPORTED and not item["metadata"].get("ownerReferences")
    ]
    return yaml.safe_dump_all(kept, sort_keys=False, width=120)


def _exported(item: Object) -> Object:
    item = copy.deepcopy(item)
    metadata = {key: value for key, value in item["metadata"].items() if key not in OF_THE_SERVER}
    annotations = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k not in OF_CONTROLLERS}
    metadata.pop("namespace", None)
    body = {key: value for key, value in item.items() if key not in {"apiVersion", "kind", "metadata", "status"}}
    if item["kind"] == "Service":
        for key in ("clusterIP", "clusterIPs"):  # "None" is wanted, an address was given
            if body["spec"].get(key) not in ("None", ["None"]):
                body["spec"].pop(key, None)
    if item["kind"] == "PersistentVolumeClaim":
        body["spec"].pop("volumeName", None)
    head = {"apiVersion": KNOWN[item["kind"]].api, "kind": item["kind"]}
    return {**head, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}, **body}


def _is_musters(item: Object) -> bool:
    return item["kind"] == "ConfigMap" and str(item["metadata"]["name"]).startswith("muster-")


def _cloudnativepg(cluster: Cluster, namespace: str) -> list[Object]:
    try:
        listed = cluster.request("GET", CLUSTERS.path(namespace)).json().get("items") or []
    except ApiError:  # there is no such kind, or it may not be seen
        return []
    return [{**item, "kind": CLUSTERS.name, "apiVersion": CLUSTERS.api} for item in listed]
