"""A version of a system, and its form in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from muster.base.digests import digest_of

SHORT = 12  # digits of a digest that are shown to people
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """What a container of a workload (`Deployment/api`) runs: the image as the manifest names it, and the digest of its
    content (`sha256:` and 64 digits); None where nobody knows it, then `why` says why not, in one line."""

    workload: str
    container: str
    image: str
    digest: str | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """`Deployment/api/api`: one container in every version of a system."""
        return f"{self.workload}/{self.container}"


@dataclass(frozen=True)
class SystemVersion:
    """A version: `images` sorted by workload and container; `parts` the digest of each part of the configuration
    (`ConfigMap/settings`, `Deployment/api`, `system.yaml`); `lacking` what of it could not be read, one line each."""

    system: str
    images: tuple[ContainerImage, ...]
    parts: Mapping[str, str] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()

    @cached_property
    def configuration(self) -> str | None:
        """The digest of the whole configuration; None where something of it could not be read."""
        return None if self.lacking else digest_of(dict(self.parts))

    @property
    def digests(self) -> dict[str, str | None]:
        """The digest that each container runs, by `Kind/name/container`."""
        return {image.name: image.digest for image in self.images}

    @property
    def id(self) -> str | None:
        """The digest of all that the version is; None where any of it is unknown."""
        return None if self.unknown else digest_of([self.system, self.digests, self.configuration])

    @property
    def key(self) -> str:
        """The digest of this very record, which there always is: by it the record is kept."""
        return digest_of(self.to_json())

    @property
    def unknown(self) -> tuple[str, ...]:
        """All that is not known of it, one line each."""
        images = [f"{image.name}: {image.why}" for image in self.images if image.digest is None]
        nothing = [] if self.images else ["no workload is there whose images would tell it"]
        return (*nothing, *images, *self.lacking)

    @property
    def short(self) -> str:
        """The version for people: the first digits of its digest, or that it is unknown."""
        known = self.id
        return "unknown" if known is None else shortened(known)

    def to_json(self) -> dict[str, Any]:
        """The object that stands in summaries, timelines and the history: `muster.verdict.entry.VersionEntry`."""
        return {
            "system": self.system,
            "images": [
                {name: getattr(one, name) for name in ("workload", "container", "image", "digest", "why")}
                for one in self.images
            ],
            "configuration": self.configuration,
            "parts": dict(sorted(self.parts.items())),
            "lacking": list(self.lacking),
            "id": self.id,
        }


def shortened(digest: str) -> str:
    """The first digits of a digest, for people."""
    return digest.removeprefix("sha256:")[:SHORT]


def version_from_json(content: Any) -> SystemVersion:
    """The version that `to_json` wrote; what it derives (`configuration`, `id`) is derived again, and must agree.

    Raises:
        ValueError: it is none.
    """
    try:
        found = SystemVersion(
            str(content["system"]),
            tuple(
                ContainerImage(
                    str(one["workload"]),
                    str(one["container"]),
                    str(one["image"]),
                    None if one["digest"] is None else _digest(one["digest"]),
                    str(one["why"]),
                )
                for one in content["images"]
            ),
            {str(name): _digest(digest) for name, digest in content["parts"].items()},
            tuple(str(one) for one in content["lacking"]),
        )
        agrees = (found.configuration, found.id) == (content["configuration"], content["id"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no version of a system ({type(error).__name__}: {error})") from None
    if not agrees:
        raise ValueError("this version of a system was changed: its digests do not fit what they are of")
    return found


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError(f"'{str(value)[:80]}' is no digest; right would be sha256: and 64 hexadecimal digits")
    return value
