"""A system's manifests: plain Kubernetes YAML, in the order in which objects need each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import UsageError
from muster.wire.names import KINDS

ORDER = (
    "Namespace",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "Service",
)


def read_manifests(directory: Path) -> list[dict[str, Any]]:
    """Every object in the *.yaml files of a directory, those that others refer to first.

    Raises:
        UsageError: a file is not YAML, or holds something that is no Kubernetes object of a kind known here.
    """
    objects: list[dict[str, Any]] = []
    for path in sorted(directory.glob("*.y*ml")):
        try:
            documents = list(yaml.safe_load_all(path.read_text()))
        except (OSError, yaml.YAMLError) as error:
            raise UsageError(f"manifest {path} cannot be read: {error}") from error
        for number, document in enumerate((d for d in documents if d is not None), start=1):
            objects += _checked(path, number, document)
    if not objects:
        raise UsageError(f"no manifests found in {directory} (expected *.yaml)")
    return sorted(objects, key=_rank)


def workload_names(objects: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(kind, name) of the Deployments and StatefulSets among the objects."""
    return [(o["kind"], o["metadata"]["name"]) for o in objects if o["kind"] in {"Deployment", "StatefulSet"}]


def _checked(path: Path, number: int, document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, dict) or not document.get("kind"):
        raise UsageError(f"manifest {path}, document {number}: not a Kubernetes object (no 'kind')")
    if document["kind"] == "List":
        return [item for inner in document.get("items", []) for item in _checked(path, number, inner)]
    if document["kind"] not in KINDS:
        raise UsageError(f"manifest {path}, document {number}: kind '{document['kind']}' is not known to muster")
    if not document.get("metadata", {}).get("name"):
        raise UsageError(f"manifest {path}, document {number}: {document['kind']} has no metadata.name")
    return [document]


def _rank(item: dict[str, Any]) -> int:
    return ORDER.index(item["kind"]) if item["kind"] in ORDER else len(ORDER)
