"""What is in a namespace, read by the official client: nothing here knows the code that strikes and undoes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes import client, config

Objects = Mapping[str, Any]  # what each object says that it is to be, by `Kind/name`

# Where objects of a kind are, and the part of them that somebody wants.
KINDS = {
    "ConfigMap": ("/api/v1", "configmaps", "data"),
    "Secret": ("/api/v1", "secrets", "data"),
    "Service": ("/api/v1", "services", "spec"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims", "spec"),
    "Deployment": ("/apis/apps/v1", "deployments", "spec"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", "spec"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies", "spec"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers", "spec"),
}
FAULTS, PROCEDURES = "muster.dev/fault-record", "muster.dev/procedure-record"
LEASE = "muster-drill"
KEPT = "muster-known-good-"  # what a drill keeps on purpose
RELEASE = "muster-release"  # the record of the last release
NOT_FOUND = 404


class ReadingError(Exception):
    """The cluster could not be read."""


@dataclass(frozen=True)
class Changed:
    """A field of an object that is not what it was; None where it is not there."""

    object: str
    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.object} {self.path}: {_short(self.before)} is {_short(self.after)}"


@dataclass(frozen=True)
class Field:
    """A field that a fault changed, as its record said while it was there."""

    object: str
    path: tuple[Any, ...]
    before: Any
    after: Any


@dataclass
class Reader:
    """Reads a namespace of the cluster that a kubeconfig leads to."""

    kubeconfig: Path
    namespace: str
    _api: client.ApiClient | None = field(default=None, repr=False)

    def get(self, path: str, **query: str) -> Any:
        """What the API answers; None where there is no such thing.

        Raises:
            ReadingError: it does not answer, or with an error.
        """
        if self._api is None:
            self._api = config.new_client_from_config(str(self.kubeconfig))  # type: ignore[no-untyped-call]
        accept = {"Accept": "application/json"}
        try:
            asked = self._api.param_serialize(
                "GET", path, query_params=list(query.items()), header_params=accept, auth_settings=["BearerToken"]
            )
            method, url, headers, *_ = asked
            response = self._api.call_api(method, url, headers, _request_timeout=10)
            content = response.read()
        except Exception as error:  # whatever the transport raises
            raise ReadingError(f"{path}: {error}") from error
        if response.status == NOT_FOUND:
            return None
        if response.status >= 300:
            raise ReadingError(f"{path}: {response.status} {response.reason}")
        return json.loads(content)

    def listed(self, api: str, plural: str, **query: str) -> list[dict[str, Any]]:
        """The objects of a kind in the namespace."""
        found = self.get(f"{api}/namespaces/{self.namespace}/{plural}", **query)
        return list(found["items"]) if found else []

    def objects(self) -> dict[str, Any]:
        """What all objects say that they are to be, records and what is kept on purpose left out."""
        return {
            f"{kind}/{item['metadata']['name']}": item.get(part)
            for kind, (api, plural, part) in KINDS.items()
            for item in self.listed(api, plural)
            if not _is_known(item)
        }

    def faults(self) -> list[dict[str, Any]]:
        """What the fault records hold."""
        return [_content(item) for item in self.listed("/api/v1", "configmaps", labelSelector=FAULTS)]

    def procedures(self) -> list[dict[str, Any]]:
        """What the records of procedures hold that have not ended."""
        return [_content(item) for item in self.listed("/api/v1", "configmaps", labelSelector=PROCEDURES)]

    def lease(self) -> str:
        """Who holds the namespace, by its Lease; empty where nobody does."""
        found = self.get(f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{LEASE}")
        return str(found["spec"].get("holderIdentity", "?")) if found else ""

    def pods(self, **query: str) -> list[dict[str, Any]]:
        """The namespace's pods."""
        return self.listed("/api/v1", "pods", **query)

    def secret(self, name: str, key: str) -> str:
        """A value of a Secret."""
        found = self.get(f"/api/v1/namespaces/{self.namespace}/secrets/{name}")
        return base64.b64decode(found["data"][key]).decode()


def fields_of(record: Mapping[str, Any]) -> Iterator[Field]:
    """The fields that a fault record says it changes."""
    for entry in record.get("entries", ()):
        path = tuple(next(iter(part.items())) if isinstance(part, dict) else part for part in entry["path"])
        yield Field(f"{entry['kind']}/{entry['name']}", path, entry.get("before"), entry.get("after"))


def value_at(objects: Objects, one: Field) -> Any:
    """What a field is now; None where it is not there. `path` begins with `spec` or `data`, which `objects` hold."""
    found = objects.get(one.object)
    for part in one.path[1:]:
        if isinstance(part, tuple):
            key, value = part
            found = next((item for item in found or () if isinstance(item, dict) and item.get(key) == value), None)
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found


def changed(before: Objects, after: Objects) -> list[Changed]:
    """Each field in which two readings differ."""
    found: list[Changed] = []
    for name in sorted(before.keys() | after.keys()):
        found += [Changed(name, path, *values) for path, *values in _differences(before.get(name), after.get(name), "")]
    return found


def _differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}[{number}]")
    else:
        yield path.lstrip(".") or "all of it", before, after


def _is_known(item: Mapping[str, Any]) -> bool:
    labels, name = item["metadata"].get("labels") or {}, str(item["metadata"]["name"])
    if name == RELEASE:  # that it was, and how it ended, stays to be read
        return bool(json.loads(item["data"]["release.json"]).get("ended"))
    return FAULTS in labels or PROCEDURES in labels or name.startswith(KEPT)


def _content(item: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item["data"]["record.json"])
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
