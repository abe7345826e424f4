"""What is to be released: a directory of manifests, or an image in the place of the one that runs."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from muster.base.documents import read_document
from muster.base.errors import UsageError
from muster.kube import Cluster
from muster.system import SystemDefinition
from muster.system.explaining import explain
from muster.system.manifests import read_manifests
from muster.system.schema import Name, Strict

TOLD = "release.yaml"  # beside the manifests of a release
SCHEMA = "muster/release/v1"
LONGEST_VERSION = 63  # characters
Object = dict[str, Any]
_IMAGE = re.compile(
    r"(?P<repository>[a-z0-9]([a-z0-9._/:-]*?[a-z0-9])?)(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]*))?"
    r"(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class DatabaseChange(Strict):
    """A change of the database: the Job of the release that makes it, and whether the old version works on after it."""

    migration: Name
    backward_compatible: bool


class ToldOfRelease(Strict):
    """What a release says of itself in `release.yaml`."""

    schema_: Literal["muster/release/v1"] = Field(alias="schema")
    version: Annotated[str, Field(min_length=1, max_length=LONGEST_VERSION)] | None = None
    database: DatabaseChange | None = None


@dataclass(frozen=True)
class Wanted:
    """What a release brings: `name` as a person gave it, the objects as they are to be, and what it says of itself."""

    name: str
    objects: tuple[Object, ...]
    told: ToldOfRelease

    @property
    def version(self) -> str:
        """What the new version is called: as it says, else the tag of an image that it brings."""
        return self.told.version or next((tag for tag in map(tag_of, images_of(self.objects)) if tag), self.name)


def read_wanted(said: str, cluster: Cluster, system: SystemDefinition) -> Wanted:
    """A release as a person names it: a directory that is there, else an image.

    Raises:
        UsageError: the directory holds no manifests, or is wrong; or nothing of the system runs from that image.
        ClusterError: the cluster cannot be asked what runs.
    """
    path = Path(said)
    if path.is_dir():
        return Wanted(said, tuple(read_manifests(path, system.namespace, beside={TOLD})), _told(path))
    if path.exists() or said.startswith((".", "/")):
        raise UsageError(f"release {said} is no directory of manifests; right would be a directory, or an image")
    objects = tuple(_with_image(said, cluster, system.namespace))
    return Wanted(said, objects, ToldOfRelease(schema=SCHEMA, version=tag_of(said)[:LONGEST_VERSION]))


def images_of(objects: tuple[Object, ...] | list[Object]) -> list[str]:
    """The images of the workloads among some objects, each once, in their order."""
    found = [one["image"] for item in objects for one in containers_of(item) if one.get("image")]
    return list(dict.fromkeys(found))


def containers_of(item: Object) -> list[Object]:
    """The containers of a workload's template, those that run first included; none of any other object."""
    spec = ((item.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def tag_of(image: str) -> str:
    """An image's tag, else the beginning of its digest; empty where it has neither."""
    found = _IMAGE.fullmatch(image)
    return (found["tag"] or (found["digest"] or "")[7:19]) if found else ""


def repository_of(image: str) -> str:
    """An image's name without tag and digest; empty where it is no image's name."""
    found = _IMAGE.fullmatch(image)
    return found["repository"] if found else ""


def _told(directory: Path) -> ToldOfRelease:
    path = directory / TOLD
    if not path.exists():
        return ToldOfRelease(schema=SCHEMA)
    document = read_document(path, TOLD)
    try:
        return ToldOfRelease.model_validate(document.content)
    except ValidationError as error:
        raise UsageError(explain(document, error, ToldOfRelease)) from None


def _with_image(image: str, cluster: Cluster, namespace: str) -> list[Object]:
    """The Deployments that run from that image's repository, with it in the place of what they have."""
    if not repository_of(image) or not tag_of(image):
        raise UsageError(f"'{image}' is neither a directory nor an image; right would be such as shop:5.2")
    deployments = cluster.list("Deployment", namespace)
    found = []
    for one in deployments:
        wanted = copy.deepcopy(one)
        same = [each for each in containers_of(wanted) if repository_of(each.get("image", "")) == repository_of(image)]
        for each in same:
            each["image"] = image
        if same:
            found.append(wanted)
    if not found:
        there = ", ".join(images_of(deployments)) or "none"
        raise UsageError(
            f"no Deployment in namespace '{namespace}' runs from image {repository_of(image)} (there are: {there})"
        )
    return found
