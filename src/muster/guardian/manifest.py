"""The manifest of a guardian as a pod, out of the files that come with the package.

Those guard a whole cluster. For some namespaces alone the same rules become a Role in each of them, and one more, in
the guardian's own namespace, lets it say there that it is at work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from muster.base.packaged import GUARD

Document = dict[str, Any]
LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "delete", "get", "patch"]}


def manifest(image: str | None = None, namespaces: Sequence[str] = ()) -> list[Document]:
    """The objects of a guardian of these namespaces, of all where none is named, in the order in which they are to be
    applied; its pod runs `image`, where that is called otherwise than `muster`."""
    documents = [_with_image(document, image) for document in _packaged()]
    return list(_narrowed(documents, namespaces)) if namespaces else documents


def _packaged() -> Iterator[Document]:
    """The objects of the package's files."""
    for name in yaml.safe_load((GUARD / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((GUARD / name).read_text())


def _with_image(document: Document, image: str | None) -> Document:
    if image is not None and document["kind"] == "Deployment":
        for container in document["spec"]["template"]["spec"]["containers"]:
            container["image"] = image
    return document


def _narrowed(documents: Sequence[Document], namespaces: Sequence[str]) -> Iterator[Document]:
    """The same objects with a Role and a binding in each namespace in place of those of the cluster."""
    for document in documents:
        match document["kind"]:
            case "ClusterRole":
                for namespace in namespaces:
                    yield _in_namespace(document, "Role", namespace)
            case "ClusterRoleBinding":
                bound = {**document, "roleRef": {**document["roleRef"], "kind": "Role"}}
                for namespace in namespaces:
                    yield _in_namespace(bound, "RoleBinding", namespace)
                yield from _at_home(bound)
            case "Deployment":
                for container in document["spec"]["template"]["spec"]["containers"]:
                    container["args"] += [word for namespace in namespaces for word in ("--namespace", namespace)]
                yield document
            case _:
                yield document


def _at_home(bound: Document) -> Iterator[Document]:
    """What lets the guardian say that it is there."""
    (account,) = bound["subjects"]
    name, api = account["name"], bound["apiVersion"]
    yield {
        "apiVersion": api, "kind": "Role",
        "metadata": {"name": name, "namespace": account["namespace"]}, "rules": [LEASES],
    }  # fmt: skip
    reference = {**bound["roleRef"], "name": name}
    yield _in_namespace({**bound, "roleRef": reference}, "RoleBinding", account["namespace"])


def _in_namespace(document: Document, kind: str, namespace: str) -> Document:
    return {**document, "kind": kind, "metadata": {**document["metadata"], "namespace": namespace}}
