"""The manual as files in a directory: written as a whole, and compared with what would be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from muster.base.errors import UsageError
from muster.manual.writing import MARK, PAGES, Text


@dataclass(frozen=True)
class Drift:
    """A file that is not as it would be written: `missing`, `differs`, or `left over` from an earlier writing."""

    path: Path
    why: str


def drift(directory: Path, written: Sequence[Text]) -> list[Drift]:
    """What is not as it would be written, by path.

    Raises:
        UsageError: a file or directory cannot be read.
    """
    wanted = {directory / text.path: text.markdown for text in written}
    try:
        found = [Drift(path, why) for path, content in wanted.items() if (why := _differs(path, content))]
        found += [Drift(path, "left over") for path in _left_over(directory, written)]
    except OSError as error:
        raise UsageError(f"the manual in {directory} cannot be read: {error.strerror}: {error.filename}") from error
    return sorted(found, key=lambda one: str(one.path))


def write(directory: Path, written: Sequence[Text], further: Mapping[Path, str]) -> None:
    """Write all pages below a directory and `further` files, and remove pages of an earlier writing that are none any
    more. All is written to the side first: where that fails, nothing has changed.

    Raises:
        UsageError: a directory is a file, or cannot be written.
    """
    wanted = {directory / text.path: text.markdown for text in written} | dict(further)
    aside: list[tuple[Path, Path]] = []
    made: list[Path] = []
    try:
        for path in wanted:
            made += _make(path.parent)
        for path, content in wanted.items():
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            aside.append((beside, path))
            beside.write_text(content, "utf-8")
        for beside, path in aside:
            beside.replace(path)
        for path in _left_over(directory, written):
            path.unlink()
    except OSError as error:
        for beside, _ in aside:
            beside.unlink(missing_ok=True)
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()
        raise UsageError(f"the manual cannot be written: {error.strerror}: {error.filename}") from error


def _differs(path: Path, content: str) -> str:
    if not path.exists():
        return "missing"
    return "" if path.read_bytes() == content.encode() else "differs"


def _left_over(directory: Path, written: Sequence[Text]) -> Iterator[Path]:
    """Pages of these languages that bear the mark, and are not among those written; what others wrote is theirs."""
    wanted = {directory / text.path for text in written}
    for language in sorted({text.language for text in written}):
        for book in PAGES:
            for path in sorted((directory / book / language).glob("*.md")):
                if path not in wanted and path.read_text("utf-8", errors="replace").startswith(MARK):
                    yield path


def _make(folder: Path) -> list[Path]:
    """Make a directory with those above it; returns what was not there, the outermost first."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir()
    return missing[::-1]
