"""What the pods of a namespace rely on, as far as their objects tell: whose they are, what configures them, who leads
clients to them, whom they ask.

A change brings back only what relies on what was changed; that is how a recovery is told from a coincidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from muster.kube import ApiError, Cluster
from muster.system.definition import SystemDefinition
from muster.system.pods import owners_of

Object = dict[str, Any]
Words = dict[tuple[str, str], frozenset[str]]  # of ConfigMaps, by name and version

OWNERS = ("ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job")
_WORD = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Relations:
    """What one pod relies on, each sorted, as `Kind/name`.

    `owners` reach up to the top. `uses` is what configures it, and where it runs. `served_by` are the Services that
    lead to it, and `asks` those whose name stands in its environment or its configuration.
    """

    owners: tuple[str, ...]
    uses: tuple[str, ...]
    served_by: tuple[str, ...]
    asks: tuple[str, ...]


def relations(
    cluster: Cluster, system: SystemDefinition, pods: Iterable[Object], known: Words | None = None
) -> dict[str, Relations]:
    """What each pod relies on, by its name. Secrets are not read: a Service that only they name is not found, unless it
    is the database's, which all that is no instance of it is taken to ask. `known` keeps what ConfigMaps say from one
    look to the next.

    Raises:
        ClusterError: the cluster does not answer, or forbids to look.
    """
    seen = _Seen(cluster, system, {} if known is None else known)
    return {pod["metadata"]["name"]: seen.of(pod) for pod in pods}


class _Seen:
    """The namespace's objects, looked at once."""

    def __init__(self, cluster: Cluster, system: SystemDefinition, known: Words) -> None:
        def listed(kind: str) -> list[Object]:
            return _listed(cluster, kind, system.namespace)

        self._above = {
            f"{item['kind']}/{item['metadata']['name']}": owners_of(item) for kind in OWNERS for item in listed(kind)
        }
        self._services, self._policies, maps = listed("Service"), listed("NetworkPolicy"), listed("ConfigMap")
        self._words = {item["metadata"]["name"]: _words_of(item, known) for item in maps}
        self._database = system.streaming

    def of(self, pod: Object) -> Relations:
        owners = tuple(sorted(self._owners(pod)))
        labels = pod["metadata"].get("labels") or {}
        uses = {*_uses(pod["spec"]), *self._policies_on(labels)}
        served_by = {f"Service/{s['metadata']['name']}" for s in self._services if _selects(s, labels)}
        return Relations(owners, tuple(sorted(uses)), tuple(sorted(served_by)), tuple(sorted(self._asks(pod, owners))))

    def _owners(self, pod: Object) -> Iterator[str]:
        known, found = list(owners_of(pod)), set[str]()
        while known:
            owner = known.pop()
            if owner not in found:
                found.add(owner)
                known += self._above.get(owner, [])
        yield from found

    def _policies_on(self, labels: Mapping[str, str]) -> Iterator[str]:
        for policy in self._policies:
            wanted = ((policy.get("spec") or {}).get("podSelector") or {}).get("matchLabels") or {}
            if wanted.items() <= labels.items():
                yield f"NetworkPolicy/{policy['metadata']['name']}"

    def _asks(self, pod: Object, owners: Iterable[str]) -> Iterator[str]:
        words = {word for text in _told(pod["spec"]) for word in _words(text)}
        for used in _uses(pod["spec"]):
            kind, _, name = used.partition("/")
            if kind == "ConfigMap":
                words |= self._words.get(name, frozenset())
        database = self._database
        if database is not None and not {owner.partition("/")[2] for owner in owners} & {*database.instances}:
            words.add(database.service)
        for service in self._services:
            if service["metadata"]["name"] in words:
                yield f"Service/{service['metadata']['name']}"


def _told(spec: Object) -> Iterator[str]:
    """What a pod's own spec tells its programs."""
    for container in _containers(spec):
        yield from (str(one.get("value") or "") for one in container.get("env") or [])
        yield from (str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])])


def _words(text: str) -> frozenset[str]:
    return frozenset(word[0] for word in _WORD.finditer(text.lower()))


def _words_of(config_map: Object, known: Words) -> frozenset[str]:
    """The words of a ConfigMap, looked for once in each of its versions."""
    metadata = config_map["metadata"]
    version = (metadata["name"], str(metadata.get("resourceVersion")))
    if version not in known:
        known[version] = _words(" ".join((config_map.get("data") or {}).values()))
    return known[version]


def _listed(cluster: Cluster, kind: str, namespace: str) -> list[Object]:
    """The objects of a kind; none where the cluster has no such kind."""
    try:
        return cluster.list(kind, namespace)
    except ApiError as error:
        if error.code == 404:
            return []
        raise


def _containers(spec: Object) -> Iterator[Object]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(key) or []


def _selects(service: Object, labels: Mapping[str, str]) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def _uses(spec: Object) -> Iterator[str]:
    """What a pod's spec names: configuration, volumes, account, node."""
    if node := spec.get("nodeName"):
        yield f"Node/{node}"
    if account := spec.get("serviceAccountName"):
        yield f"ServiceAccount/{account}"
    for volume in spec.get("volumes") or []:
        yield from _named(volume.get("configMap"), "ConfigMap")
        yield from _named(volume.get("secret"), "Secret", "secretName")
        yield from _named(volume.get("persistentVolumeClaim"), "PersistentVolumeClaim", "claimName")
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield from _named(source.get("configMap"), "ConfigMap")
            yield from _named(source.get("secret"), "Secret")
    for container in _containers(spec):
        for source in container.get("envFrom") or []:
            yield from _named(source.get("configMapRef"), "ConfigMap")
            yield from _named(source.get("secretRef"), "Secret")
        for one in container.get("env") or []:
            value = one.get("valueFrom") or {}
            yield from _named(value.get("configMapKeyRef"), "ConfigMap")
            yield from _named(value.get("secretKeyRef"), "Secret")


def _named(reference: Object | None, kind: str, key: str = "name") -> Iterator[str]:
    if reference and reference.get(key):
        yield f"{kind}/{reference[key]}"
