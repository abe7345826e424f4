"""Reading a version off manifests, off a cluster, or off objects that somebody else listed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from muster.base.digests import digest_of
from muster.kube import Cluster
from muster.system.databases.declared import Database
from muster.system.definition import SystemDefinition
from muster.system.identity import WORKLOADS
from muster.system.manifests import read_manifests
from muster.system.pods import owners_of
from muster.system.version.model import ContainerImage, SystemVersion
from muster.system.version.secrets import plain_text
from muster.system.version.template import template_of
from muster.wire.names import EMBEDDED_IMAGE, TRACK_LABEL, TRACK_VALUE

Object = dict[str, Any]

BESIDE = ("ConfigMap", "ReplicaSet", "Pod")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}$")
# What of system.yaml says how the system is asked, what it runs on, and how it is brought back.
_SAID = {"read", "ledger", "probes", "database", "operations", "procedures"}


def of_manifests(
    objects: Iterable[Object], definition: SystemDefinition, digests: Mapping[str, str] | None = None
) -> SystemVersion:
    """The version that manifests (`read_manifests`) are of. `digests` tells the content of images that are named by a
    tag; one that is named by its digest tells it by itself."""
    known = list(objects)
    return of_objects(known, definition, workloads=_workloads(known), digests=digests)


def of_cluster(
    cluster: Cluster, definition: SystemDefinition, workloads: Collection[str] | None = None
) -> SystemVersion:
    """The version that is on a cluster now, of these workloads (`Kind/name`), unless named those of its manifests.

    Raises:
        ClusterError: the cluster does not answer, or does not let these be listed.
        UsageError: the system's manifests cannot be read.
    """
    if workloads is None:
        workloads = _own_workloads(definition)
    kinds = [kind for kind in WORKLOADS if any(name.startswith(f"{kind}/") for name in workloads)]
    objects = [item for kind in (*kinds, *BESIDE) for item in cluster.list(kind, definition.namespace)]
    return of_objects(objects, definition, workloads=workloads)


def of_objects(
    objects: Iterable[Object],
    definition: SystemDefinition,
    *,
    workloads: Collection[str] | None = None,
    digests: Mapping[str, str] | None = None,
) -> SystemVersion:
    """The same of objects as the API gives them: workloads, ConfigMaps, and where there are any ReplicaSets and Pods,
    which tell what is run. A release's canary is never part of it.

    Raises:
        UsageError: `workloads` is None, and the system's manifests cannot be read.
    """
    by_name = {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}
    if workloads is None:
        workloads = _own_workloads(definition)
    wanted = {name: by_name[name] for name in sorted(workloads) if name in by_name}
    lacking = [f"{name} is not there" for name in sorted({*workloads} - {*wanted})]
    run = _Running(by_name)
    images = [image for name, item in wanted.items() for image in _images(name, item, run, digests or {})]
    parts = {name: digest_of(template_of(item)) for name, item in wanted.items()}
    for name, needed in sorted(_config_maps(wanted.values(), definition).items()):
        if (found := by_name.get(f"ConfigMap/{name}")) is not None:
            parts[f"ConfigMap/{name}"] = digest_of(_content(found, definition.database))
        elif needed:
            lacking.append(f"ConfigMap/{name} is not there")
    parts["system.yaml"] = digest_of(_said(definition))
    return SystemVersion(definition.name, tuple(sorted(images, key=lambda one: one.name)), parts, tuple(lacking))


def _own_workloads(definition: SystemDefinition) -> list[str]:
    return _workloads(read_manifests(definition.manifest_directory, definition.namespace))


def _workloads(objects: Iterable[Object]) -> list[str]:
    return [
        f"{item['kind']}/{item['metadata']['name']}"
        for item in objects
        if item["kind"] in WORKLOADS and (item["metadata"].get("labels") or {}).get(TRACK_LABEL) != TRACK_VALUE
    ]


class _Running:
    """What pods run, by the workload that they are of."""

    def __init__(self, by_name: Mapping[str, Object]) -> None:
        self._pods: dict[str, list[Object]] = defaultdict(list)
        for name, item in by_name.items():
            if name.startswith("Pod/"):
                for owner in owners_of(item):
                    above = owners_of(by_name[owner]) if owner in by_name else ()
                    for workload in (owner, *above):
                        self._pods[workload].append(item)

    def digests(self, workload: str, container: str, image: str) -> set[str]:
        """The image IDs under which pods of a workload run this image in this container."""
        return {
            str(status["imageID"])
            for pod in self._pods[workload]
            if _image_of(pod, container) == image  # else it is a pod of another revision
            for status in _statuses(pod)
            if status.get("name") == container and status.get("imageID")
        }


def _image_of(pod: Object, container: str) -> str | None:
    return next((str(one.get("image")) for one in _containers(pod["spec"]) if one.get("name") == container), None)


def _statuses(pod: Object) -> Iterator[Object]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _containers(spec: Object) -> Iterator[Object]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def _images(name: str, item: Object, run: _Running, digests: Mapping[str, str]) -> Iterator[ContainerImage]:
    for container in _containers((item["spec"].get("template") or {}).get("spec") or {}):
        own, image = str(container["name"]), str(container.get("image") or "")
        digest, why = _digest(image, run.digests(name, own, image), digests)
        yield ContainerImage(name, own, image, digest, why)


def _digest(image: str, ids: Collection[str], digests: Mapping[str, str]) -> tuple[str | None, str]:
    """(digest, why it is not known). A name that holds a digest tells it, but on the embedded cluster, where an image
    stands for what is on the machine, whatever its name says."""
    found = {match[0] for one in ids if (match := _DIGEST.search(one))}
    embedded = any(one.startswith(EMBEDDED_IMAGE) for one in ids)
    if not embedded and (named := digest_named(image)):
        return named, ""
    if image in digests and not ids:
        return digests[image], ""
    if len(found) == 1:
        return next(iter(found)), ""
    if found:
        return None, f"its pods run {len(found)} different contents under the name {image}"
    if ids:
        return None, f"its pods do not tell by what content they run {image}"
    return None, untold(image)


def digest_named(image: str) -> str | None:
    """The digest that stands in an image's name, if one does."""
    named = _DIGEST.search(image)
    return named[0] if named else None


def untold(image: str) -> str:
    """Why the content of an image that no pod runs is not known."""
    return f"{image} is named by a tag, and no pod runs it that would tell its content"


def _config_maps(workloads: Iterable[Object], definition: SystemDefinition) -> dict[str, bool]:
    """The names of the ConfigMaps that configure the system, each with whether it must be there."""
    found = dict.fromkeys((one.config_map for one in definition.operations.configuration), True)
    for item in workloads:
        for name, needed in _referred((item["spec"].get("template") or {}).get("spec") or {}):
            found[name] = found.get(name, False) or needed
    return found


def _referred(spec: Object) -> Iterator[tuple[str, bool]]:
    for container in _containers(spec):
        sources = [one.get("configMapRef") for one in container.get("envFrom") or ()]
        sources += [(one.get("valueFrom") or {}).get("configMapKeyRef") for one in container.get("env") or ()]
        yield from ((str(one["name"]), not one.get("optional")) for one in sources if one)
    for volume in spec.get("volumes") or ():
        projected = (volume.get("projected") or {}).get("sources") or ()
        for one in (volume.get("configMap"), *(source.get("configMap") for source in projected)):
            if one:
                yield str(one["name"]), not one.get("optional")


def _content(config_map: Object, database: object) -> dict[str, Any]:
    """What a ConfigMap holds, but for the key that says which instance is the primary: that is no version."""
    data = {key: plain_text(key, str(value)) for key, value in (config_map.get("data") or {}).items()}
    if isinstance(database, Database) and config_map["metadata"]["name"] == database.topology:
        data.pop(database.topology_key, None)
    return {"data": data, "binary": dict(config_map.get("binaryData") or {})}


def _said(definition: SystemDefinition) -> Any:
    """What system.yaml says of how the system is asked and brought back; what is not said differs in no version."""
    said = definition.model_dump(mode="json", include=_SAID, exclude_defaults=True)
    service = {"name": definition.service.name, "port": definition.service.port}
    return {"service": service, **_without_headers(said)}


def _without_headers(value: Any) -> Any:
    """Whoever asks says who he is, and by what right: that says nothing of what he asks."""
    if isinstance(value, dict):
        return {key: _without_headers(one) for key, one in value.items() if key != "headers"}
    return [_without_headers(one) for one in value] if isinstance(value, list) else value
