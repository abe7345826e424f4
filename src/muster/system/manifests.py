"""A system's manifests: plain Kubernetes YAML, in the order in which objects need each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from muster.base.documents import Document, read_documents
from muster.base.errors import UsageError
from muster.base.lines import key_of
from muster.system.shapes import misshapen
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
WORKLOADS = ("Deployment", "StatefulSet")
NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.:]*[A-Za-z0-9])?")

Place = tuple[int | str, ...]


def read_manifests(
    directory: Path, namespace: str | None = None, *, beside: Set[str] = frozenset()
) -> list[dict[str, Any]]:
    """Every object in the *.yaml files of a directory, those that others refer to first; `beside` are names of files
    there that hold something else.

    Raises:
        UsageError: a file is not YAML, holds something that is no Kubernetes object of a kind known here, holds an
            object for the second time, or one of another namespace than `namespace`; the message names file and line.
    """
    objects: list[dict[str, Any]] = []
    seen: dict[tuple[str, str], str] = {}
    for path in sorted(directory.glob("*.y*ml")):
        if path.name in beside:
            continue
        for document in read_documents(path, "manifest"):
            if document.content is None:
                continue
            for place, item in _objects(document, (), document.content):
                where = document.where(place)
                _check(document, place, item, namespace)
                name = (item["kind"], item["metadata"]["name"])
                if name in seen:
                    raise UsageError(f"{where}: {name[0]} '{name[1]}' for the second time, after {seen[name]}")
                seen[name] = where
                objects.append(item)
    if not objects:
        raise UsageError(f"no manifests found in {directory} (expected *.yaml)")
    return sorted(objects, key=_rank)


def workload_names(objects: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(kind, name) of the Deployments and StatefulSets among the objects."""
    return [(o["kind"], o["metadata"]["name"]) for o in objects if o["kind"] in WORKLOADS]


def _objects(document: Document, place: Place, content: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The objects of a document, each with its place in it; those of a List one by one."""
    where = document.where(place)
    if not isinstance(content, dict) or not content.get("kind"):
        raise UsageError(f"{where}: not a Kubernetes object (no 'kind')")
    kind = content["kind"]
    if not isinstance(kind, str):
        raise UsageError(f"{document.where((*place, 'kind'))}: 'kind' must be a text, such as Deployment")
    if kind != "List":
        yield place, content
        return
    items = content.get("items")
    if not isinstance(items, list) or not items:
        raise UsageError(f"{document.where((*place, 'items'))}: a List must have 'items', a list of objects")
    for number, item in enumerate(items):
        yield from _objects(document, (*place, "items", number), item)


def _check(document: Document, place: Place, item: dict[str, Any], namespace: str | None) -> None:
    """Check one object as far as it is relied on later; what its spec says is for the API server to judge."""
    kind = item["kind"]
    if kind not in KINDS:
        raise UsageError(f"{document.where((*place, 'kind'))}: kind '{kind}' is not known to muster")
    if item.get("apiVersion") != KINDS[kind].api:
        said = "none" if item.get("apiVersion") is None else f"'{item['apiVersion']}'"
        raise UsageError(
            f"{document.where((*place, 'apiVersion'))}: the apiVersion of {kind} must be {KINDS[kind].api}, not {said}"
        )
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") in (None, ""):
        raise UsageError(f"{document.where((*place, 'metadata'))}: {kind} has no metadata.name")
    name = metadata["name"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UsageError(
            f"{document.where((*place, 'metadata', 'name'))}: metadata.name of {kind} must be a text of letters, "
            "digits, '-' and '.' (a number stands in quotes)"
        )
    _check_namespace(document, place, item, namespace)
    if kind in WORKLOADS and not isinstance(item.get("spec"), dict):
        raise UsageError(f"{document.where((*place, 'spec'))}: {kind} '{name}' has no spec")
    try:
        json.dumps(item, allow_nan=False)
    except ValueError:
        raise UsageError(f"{document.where(place)}: {kind} '{name}' holds a number that is none (.inf, .nan)") from None
    if wrong := misshapen(item, kind):
        raise UsageError(f"{document.where((*place, *wrong[0]))}: '{key_of(wrong[0])}' of {kind} '{name}' {wrong[1]}")


def _check_namespace(document: Document, place: Place, item: dict[str, Any], namespace: str | None) -> None:
    kind, metadata = item["kind"], item["metadata"]
    said, where = metadata.get("namespace"), document.where((*place, "metadata", "namespace"))
    if kind == "Namespace":
        said, where = metadata["name"], document.where((*place, "metadata", "name"))
    elif said is None:
        return
    if not isinstance(said, str):
        raise UsageError(f"{where}: metadata.namespace of {kind} '{metadata['name']}' must be a text")
    if namespace is not None and said != namespace:
        raise UsageError(
            f"{where}: {kind} '{metadata['name']}' is of namespace '{said}', and the system lives in '{namespace}'"
        )


def _rank(item: dict[str, Any]) -> int:
    return ORDER.index(item["kind"]) if item["kind"] in ORDER else len(ORDER)
