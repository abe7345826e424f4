"""The version of what is to be released: of a directory of manifests, or of what runs with another image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from muster.base.errors import UsageError
from muster.release.wanted import TOLD, images_of, repository_of
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests
from muster.system.version import ContainerImage, SystemVersion, of_manifests
from muster.system.version.reading import digest_named, untold

# Digests of images by their names, as far as somebody knows them: on the embedded cluster it does.
Digests = Callable[[Iterable[str]], Mapping[str, str]]


def version_of(
    release: str, definition: SystemDefinition, running: SystemVersion | str, digests: Digests
) -> SystemVersion:
    """The version of a release as a person names it: a directory that is there, else an image, in the place of those
    of its repository in what is `running` (or why nobody knows that).

    Raises:
        UsageError: the directory holds no manifests, or is wrong; or nothing of the system runs from that image.
        ClusterError: the digests cannot be had.
    """
    path = Path(release)
    if path.is_dir():
        objects = read_manifests(path, definition.namespace, beside={TOLD})
        brought = of_manifests(objects, definition, digests(images_of(objects)))
        return brought if isinstance(running, str) else _in_place(brought, running)
    if path.exists() or release.startswith((".", "/")) or not repository_of(release):
        raise UsageError(f"release {release} is no directory of manifests, and no image such as shop:5.2")
    if isinstance(running, str):
        raise UsageError(f"what image {release} would take the place of is not known: {running}")
    replaced = [one for one in running.images if repository_of(one.image) == repository_of(release)]
    if not replaced:
        there = ", ".join(sorted({one.image for one in running.images})) or "none"
        raise UsageError(f"nothing of {running.system} runs from image {repository_of(release)} (there are: {there})")
    known = digest_named(release) or digests([release]).get(release)
    why = "" if known else untold(release)
    images = (
        ContainerImage(one.workload, one.container, release, known, why) if one in replaced else one
        for one in running.images
    )
    return replace(running, images=tuple(images))


def _in_place(brought: SystemVersion, running: SystemVersion) -> SystemVersion:
    """What will run once the release is everywhere: what it brings, and for the rest what runs now."""
    own = {one.workload for one in brought.images}
    kept = [one for one in running.images if one.workload not in own]
    return replace(
        brought,
        images=tuple(sorted([*brought.images, *kept], key=lambda one: (one.workload, one.container))),
        parts={**running.parts, **brought.parts},
        lacking=tuple(said for said in brought.lacking if said.partition(" ")[0] not in running.parts),
    )
