"""The images of a directory of manifests, for who has nothing else: no system.yaml, no cluster."""

from __future__ import annotations

import re
from pathlib import Path

from muster.base.errors import UsageError
from muster.release.wanted import TOLD
from muster.release.wanted import images_of as named
from muster.system.manifests import read_manifests

_BY_DIGEST = re.compile(r"(?P<name>.+)@sha256:(?P<digest>[0-9a-f]{64})")


def images_of(directory: Path) -> dict[str, str]:
    """The digest of each image that the manifests name, by the image's name.

    Raises:
        UsageError: there are no manifests, one of their images is named by a tag, or one name stands for two.
    """
    if not directory.is_dir():
        raise UsageError(f"release {directory} is no directory of manifests")
    found = dict[str, str]()
    for image in named(read_manifests(directory, beside={TOLD})):
        if not (match := _BY_DIGEST.fullmatch(image)):
            raise UsageError(f"image {image} in {directory} is named by a tag, which tells no content; see --image")
        if found.setdefault(match["name"], match["digest"]) != match["digest"]:
            raise UsageError(f"image {match['name']} stands in {directory} with two digests")
    if not found:
        raise UsageError(f"no workload in {directory} runs an image")
    return found
