"""The digest of an image: of the programs and the code that stand for it on this machine, as they are now.

Nothing is pulled here, so that a name says nothing of what is run: a file that is changed is another version of the
system. Where a directory lies is no content, so that a checkout elsewhere has the same digest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import BinaryIO

import muster
from muster.embedded.node.images.image import ADDRESS, SYSTEM_PATH, Image

# More is no code that somebody wrote, and takes longer to read than a container may take to start.
MOST_FILES, MOST_BYTES = 20_000, 256 * 2**20
_NO_CONTENT = ("__pycache__", ".git", ".venv", "node_modules")
_CODE = (".py", ".so", ".pyd")
_RELEASE = Path("/etc/os-release")


class _TooMuchError(Exception):
    """There is more of it than is read."""


def content_digest(image: Image) -> str | None:
    """`sha256:` and the digest of what the image stands for; None where that is too much, or cannot be read."""
    try:
        lines = sorted(_lines(image))
    except (OSError, _TooMuchError):
        return None
    return f"sha256:{hashlib.sha256(chr(10).join(lines).encode('utf-8', 'surrogateescape')).hexdigest()}"


def _lines(image: Image) -> Iterator[str]:
    """What makes it what it is, one line each."""
    search = [*image.path, *SYSTEM_PATH]
    for number, word in enumerate((*image.entrypoint, "", *image.command)):
        yield f"word {number}: {_program(word, search)}"
    for name, value in image.env.items():
        for number, part in enumerate(value.split(":")):
            if part.startswith("/") and Path(part).is_dir():
                yield from (f"{name}/{number} {line}" for line in _tree(Path(part), code=name == "PYTHONPATH"))
            else:
                yield f"{name}/{number}={part}"
    for number, directory in enumerate(image.path):
        if Path(directory) == _own_programs():
            yield f"path {number}: {_interpreter()}"
        elif Path(directory).is_dir():
            yield from (f"path {number}: {line}" for line in _tree(Path(directory), deep=False))
    if not image.path:  # the machine's own programs: which these are its distribution says
        yield f"machine: {_file(_RELEASE) if _RELEASE.exists() else os.uname().sysname}"
    if "muster" in image.entrypoint:
        yield from (f"muster {line}" for line in _tree(Path(muster.__file__).parent, code=True))


def _program(word: str, search: list[str]) -> str:
    """A word of a command: the content of the file that it names, or itself."""
    if word == ADDRESS or not word:
        return word
    found = word if word.startswith("/") else shutil.which(word, path=":".join(search))
    if found is None or not Path(found).is_file() or Path(found).parent == _own_programs():
        return word
    return f"{Path(found).name} {_file(Path(found))}"


def _own_programs() -> Path:
    return Path(sys.executable).parent


@cache
def _interpreter() -> str:
    """The interpreter that runs the cluster, with the packages that it has: they do not change while it runs."""
    places = [entry for entry in sys.path if entry and Path(entry).is_dir()]
    packages = sorted({name for entry in places for name in os.listdir(entry) if name.endswith(".dist-info")})  # noqa: PTH208
    return f"python {sys.version} {hashlib.sha256(' '.join(packages).encode()).hexdigest()}"


def _tree(top: Path, *, code: bool = False, deep: bool = True) -> Iterator[str]:
    """The files below a directory, each by its path in it and its content; of a directory of `code` the modules and
    packages, not what else lies beside them."""
    files = size = 0
    for directory, inner, names in os.walk(top):
        here = Path(directory)
        inner[:] = sorted(name for name in inner if name not in _NO_CONTENT) if deep else []
        if code and here == top:
            inner[:] = [name for name in inner if _is_package(here / name)]
            names = [name for name in names if name.endswith(_CODE)]  # noqa: PLW2901
        for name in names:
            path = here / name
            if not path.is_file():  # a broken link, a socket
                continue
            files, size = files + 1, size + path.stat().st_size
            if files > MOST_FILES or size > MOST_BYTES:
                raise _TooMuchError
            yield f"{path.relative_to(top)} {_file(path)}"


def _is_package(directory: Path) -> bool:
    return any(name.endswith(_CODE) for _, _, names in os.walk(directory) for name in names)


def _file(path: Path) -> str:
    about = path.stat()
    return _content(str(path), about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=MOST_FILES)
def _content(path: str, _inode: int, _size: int, _changed: int) -> str:
    """The digest of a file, read once as long as it looks the same."""
    file: BinaryIO
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.file_digest(file, "sha256").hexdigest()
