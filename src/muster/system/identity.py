"""What makes a system the one that was deployed: where its Services lead, and what its workloads run.

A system that answers rightly may still be another one: a stub in its place, one more or one fewer of its pods, other
images. What is compared are two looks at one cluster, so that nothing depends on how a manifest is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from muster.kube import ApiError, Cluster
from muster.system.definition import SystemDefinition

Object = dict[str, Any]
Identity = dict[str, dict[str, str]]  # for each object, `Kind/name`, what its parts are

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
LONGEST = 120
_SHOWN = ("spec.", "image ")
# Restarting a workload puts the time there, and changes nothing else.
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def identity(cluster: Cluster, system: SystemDefinition, manifests: Iterable[Object]) -> Identity:
    """The Services and workloads of the manifests as they are now; one that is gone has no parts.

    Raises:
        ClusterError: the cluster does not answer.
    """
    scaled = _scaled_by_others(cluster, system.namespace)
    found: Identity = {}
    for item in manifests:
        kind, name = item["kind"], item["metadata"]["name"]
        if kind == "Service" or kind in WORKLOADS:
            present = cluster.find(kind, name, system.namespace)
            found[f"{kind}/{name}"] = {} if present is None else dict(_parts(present, system, scaled))
    return found


def differences(before: Identity, now: Identity) -> list[str]:
    """What is different now, a phrase each: `Service/api: spec.selector was {...} and is {...}`."""
    return [text for name, parts in before.items() for text in _different(name, parts, now.get(name, {}))]


def _parts(present: Object, system: SystemDefinition, scaled: set[str]) -> Iterator[tuple[str, str]]:
    spec, kind, name = present["spec"], present["kind"], present["metadata"]["name"]
    if kind == "Service":
        selector = dict(spec.get("selector") or {})
        if (database := system.streaming) is not None and name == database.service:
            selector.pop(database.selector_key, None)  # by which clients are led to whoever is primary
        yield "spec.selector", str(selector)
        for key in ("type", "externalName", "ports"):
            yield f"spec.{key}", str(spec.get(key))
        return
    yield "spec.selector", str(spec.get("selector"))
    if f"{kind}/{name}" not in scaled:
        yield "spec.replicas", str(spec.get("replicas", 1))
    template = spec.get("template") or {}
    metadata = template.get("metadata") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != RESTARTED}
    yield "its pods' labels", str(metadata.get("labels"))
    yield "its pods' annotations", str(annotations)
    for container in (template.get("spec") or {}).get("containers") or []:
        yield f"image of {container['name']}", str(container.get("image"))
        rest = {key: value for key, value in container.items() if key != "image"}
        yield f"container {container['name']}", str(rest)
    others = {key: value for key, value in (template.get("spec") or {}).items() if key != "containers"}
    yield "its pods' spec", str(others)


def _different(name: str, before: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    if before and not now:
        yield f"{name} is gone"
        return
    for part in {**before, **now}:
        was, found = before.get(part, "not there"), now.get(part, "not there")
        if was != found:
            # What stands in a container may be secret.
            shown = part.startswith(_SHOWN) and len(was) + len(found) <= LONGEST
            yield f"{name}: {part} was {was} and is {found}" if shown else f"{name}: {part} is another"


def _scaled_by_others(cluster: Cluster, namespace: str) -> set[str]:
    """The workloads whose replicas an autoscaler sets; on the embedded cluster none of them acts."""
    if cluster.embedded:
        return set()
    try:
        scalers = cluster.list("HorizontalPodAutoscaler", namespace)
    except ApiError:
        return set()  # there are none, or nobody may look
    targets = ((scaler.get("spec") or {}).get("scaleTargetRef") or {} for scaler in scalers)
    return {f"{target.get('kind')}/{target.get('name')}" for target in targets}
