"""Which groups, versions and resources there are, for clients that ask before they act."""

from __future__ import annotations

from typing import Any

from muster.embedded.objects import Object
from muster.embedded.resources import RESOURCES, REVIEWS, Resource, groups, version_of
from muster.embedded.status import unknown_path

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-04-22T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def _question(name: str, singular: str, kind: str, *verbs: str, namespaced: bool = False) -> Object:
    return {"name": name, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": list(verbs)}


# Groups that hold no stored objects, only questions that can be asked.
_VIRTUAL: dict[str, list[Object]] = {
    **{group: [] for group in dict.fromkeys(review.group for review in REVIEWS)},
    "metrics.k8s.io": [
        _question("nodes", "", "NodeMetrics", "get", "list"),
        _question("pods", "", "PodMetrics", "get", "list", namespaced=True),
    ],
}
_VIRTUAL_VERSIONS = {"metrics.k8s.io": "v1beta1"}  # of those that are at another one than v1


def _group(name: str) -> Object:
    number = _VIRTUAL_VERSIONS.get(name, "v1") if name in _VIRTUAL else version_of(name)
    version = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _entries(resource: Resource) -> list[Object]:
    own: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        own["shortNames"] = list(resource.short_names)
    if resource.categories:
        own["categories"] = list(resource.categories)
    entries = [own]
    for sub in resource.subresources:
        entry: Object = {"name": f"{resource.plural}/{sub.name}", "singularName": ""}
        entry["namespaced"] = resource.namespaced
        if sub.version:
            entry |= {"group": sub.group, "version": sub.version}
        entries.append(entry | {"kind": sub.kind, "verbs": list(sub.verbs)})
    return entries


def _resource_list(group_version: str, entries: list[Object]) -> Object:
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def find(path: str) -> Any:
    """The document at a path of discovery. Raises `StatusError` 404."""
    names = [*groups(), *_VIRTUAL]
    if path == "/version":
        return VERSION
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in names]}
    if path == "/api/v1":
        return _resource_list("v1", [e for r in RESOURCES if not r.group for e in _entries(r)])
    parts = path.strip("/").split("/")
    if len(parts) in (2, 3) and parts[0] == "apis" and parts[1] in names:
        group = _group(parts[1])
        if len(parts) == 2:
            return {"kind": "APIGroup", "apiVersion": "v1", **group}
        if parts[2] == group["preferredVersion"]["version"]:
            entries = [e for r in (*RESOURCES, *REVIEWS) if r.group == parts[1] for e in _entries(r)]
            return _resource_list(f"{parts[1]}/{parts[2]}", entries or _VIRTUAL.get(parts[1], []))
    raise unknown_path()
