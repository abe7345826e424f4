"""The new version beside the old one: what is made for it, and how its pods are told from the others'."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from muster.release.contents import Contents, Rolled, labels_of, references
from muster.wire.canary import beside
from muster.wire.names import (
    KEEPERS,
    MANAGED_BY_LABEL,
    MANAGED_BY_VALUE,
    RELEASE_LABEL,
    TRACK_LABEL,
    TRACK_VALUE,
)

Object = dict[str, Any]
KEPT_METADATA = ("labels", "annotations")
# What a copy does not have: who keeps the original by these would delete what it did not make.
OF_THE_ORIGINAL = {
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    *KEEPERS,
}


def marked(release: str) -> dict[str, str]:
    """The labels of whatever a release makes for a while."""
    return {MANAGED_BY_LABEL: MANAGED_BY_VALUE, RELEASE_LABEL: release}


def replicas_for(share: float, replicas: int) -> int:
    """How many pods carry a share of what `replicas` carry; never none."""
    return max(math.ceil(round(share * replicas, 6)), 1)


def pod_labels(rolled: Rolled, selector: Mapping[str, str], *, shared: bool) -> dict[str, str]:
    """The labels of the new version's pods. What tells the Deployments apart has another value there, and unless
    traffic is `shared` by the Service itself, what Services that lead to the old ones select by: `selector`."""
    labels = labels_of(rolled.wanted)
    own = rolled.live["spec"]["selector"].get("matchLabels") or {}
    altered = own.keys() - selector.keys() if shared else own.keys() | selector.keys()
    labels |= {key: beside(labels[key]) for key in altered if key in labels}
    return labels | {TRACK_LABEL: TRACK_VALUE}


def deployment_beside(
    rolled: Rolled, release: str, replicas: int, selector: Mapping[str, str], *, shared: bool
) -> Object:
    """The Deployment of the new version, which lasts as long as the release does."""
    wanted = copy.deepcopy(rolled.wanted)
    labels = pod_labels(rolled, selector, shared=shared)
    own = rolled.live["spec"]["selector"].get("matchLabels") or {}
    selected = {key: labels[key] for key in own} | {TRACK_LABEL: TRACK_VALUE}
    template = wanted["spec"]["template"]
    template["metadata"] = {**(template.get("metadata") or {}), "labels": labels | {RELEASE_LABEL: release}}
    for reference in references(template):
        if reference["name"] in rolled.copied:
            reference["name"] = beside(reference["name"])
    spec = {**wanted["spec"], "replicas": replicas, "selector": {"matchLabels": selected}, "template": template}
    spec.pop("paused", None)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(wanted, beside(rolled.name), release),
        "spec": spec,
    }


def copies(contents: Contents, release: str) -> Iterator[Object]:
    """The ConfigMaps of the new version that differ from the old one's, under names of their own."""
    used = frozenset[str]().union(*(one.copied for one in contents.rolled)) if contents.rolled else frozenset[str]()
    for one in contents.configurations:
        if (name := one.wanted["metadata"]["name"]) in used:
            copied: Object = {key: one.wanted[key] for key in ("data", "binaryData") if key in one.wanted}
            metadata = _metadata(one.wanted, beside(name), release)
            yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata} | copied


def service_beside(service: Object, labels: Mapping[str, str], release: str) -> Object:
    """A Service that leads to the new version's pods alone, by the ports of the one that clients come in by."""
    ports = [{k: v for k, v in port.items() if k != "nodePort"} for port in service["spec"].get("ports") or []]
    selector = {key: labels[key] for key in service["spec"].get("selector") or {} if key in labels}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata({"metadata": {}}, beside(service["metadata"]["name"]), release),
        "spec": {"selector": selector | {TRACK_LABEL: TRACK_VALUE}, "ports": ports},
    }


def names(objects: Iterable[Object]) -> str:
    """What some objects are called, for people."""
    return ", ".join(f"{item['kind']} {item['metadata']['name']}" for item in objects)


def _metadata(item: Object, name: str, release: str) -> Object:
    kept = {key: dict(item["metadata"].get(key) or {}) for key in KEPT_METADATA}
    for each in kept.values():
        for key in OF_THE_ORIGINAL & each.keys():
            del each[key]
    kept["labels"] |= marked(release)
    return {"name": name, **{key: value for key, value in kept.items() if value}}
