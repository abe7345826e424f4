"""The table of images: those that everybody has, and those that a YAML file names.

shop:1.0: {env: {PYTHONPATH: /path/to/code}, path: [/path/to/bin], workdir: /path, command: [python3, -m, x]}
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import UsageError
from muster.embedded.node.images import well_known
from muster.embedded.node.images.image import Image, UnknownImageError

_FIELDS = {"command", "env", "path", "workdir", "user"}


class Images:
    """The table of images."""

    def __init__(self, added: Mapping[str, Image] | None = None) -> None:
        self._added = dict(added or {})

    @classmethod
    def load(cls, path: Path | None) -> Images:
        """The well-known images and those of a YAML file.

        Raises:
            UsageError: the file cannot be read or does not say what it should.
        """
        if path is None:
            return cls()
        try:
            table = yaml.safe_load(path.read_text()) or {}
        except OSError as error:
            raise UsageError(f"images file {path} cannot be read: {error.strerror}") from error
        except yaml.YAMLError as error:
            raise UsageError(f"images file {path} is not YAML: {' '.join(str(error).split())}") from error
        if not isinstance(table, dict):
            raise UsageError(f"images file {path} must map image names to {{env, path, workdir}}")
        return cls({str(name): _parse(path, str(name), entry or {}) for name, entry in table.items()})

    def find(self, name: str) -> Image:
        """The image of this name.

        Raises:
            UnknownImageError: there is none, or its program is not to be had; the message says which there are.
        """
        found = self._added.get(name) or well_known.find(name)
        if found is None:
            known = ", ".join([*sorted(self._added), *(image.name for image in well_known.IMAGES)])
            raise UnknownImageError(
                f"image '{name}' stands for no environment of this machine (there are: {known}; 'muster images' says "
                "how to map one)"
            )
        return found

    def rows(self) -> list[tuple[str, str]]:
        """Each image: (name, what stands for it here, or what this machine lacks)."""
        return [(name, _described(image)) for name, image in sorted(self._added.items())] + well_known.rows()


def _described(image: Image) -> str:
    runs = f", runs {' '.join(image.command)}" if image.command else ""
    return f"mapped: works in {image.workdir}{runs}"


def _parse(path: Path, name: str, entry: Any) -> Image:
    if not isinstance(entry, dict) or not set(entry) <= _FIELDS:
        raise UsageError(f"images file {path}: image '{name}' must be a mapping of {', '.join(sorted(_FIELDS))}")
    env, directories, command = entry.get("env") or {}, entry.get("path") or [], entry.get("command") or []
    if not isinstance(env, dict) or not isinstance(directories, list) or not isinstance(command, list):
        raise UsageError(f"images file {path}: image '{name}': env must be a mapping, path and command lists")
    # The interpreter that runs the cluster is at hand in every image, last before the machine's own programs.
    search = (*(str(directory) for directory in directories), str(Path(sys.executable).parent))
    return Image(
        name,
        env={str(key): str(value) for key, value in env.items()},
        path=search,
        workdir=str(entry.get("workdir") or "/"),
        user=str(entry.get("user") or "app"),
        command=tuple(str(word) for word in command),
    )
