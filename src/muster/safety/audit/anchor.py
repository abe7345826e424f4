"""Anchors: what somebody elsewhere knows of how long an audit log was, and how it ended then.

A chain shows what was changed in its middle. That its end is missing shows only where it is known, elsewhere, that
there was more: in the file beside the log that says so, in the manifest of each run, in what a run printed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import orjson

from muster.base.errors import UsageError

HEAD_SUFFIX = ".head"
_ANCHOR = re.compile(r"(?P<entries>[1-9][0-9]{0,17}):(?P<head>[0-9a-f]{16,64})")


class Anchor(NamedTuple):
    """The log had so many entries, the last of which has this hash, or one that begins so (16 characters or more)."""

    entries: int
    head: str
    where: str = "it"  # who knows, as the subject of a sentence

    def __str__(self) -> str:
        return f"{self.entries}:{self.head}"


def parse_anchor(text: str, where: str) -> Anchor:
    """Read an anchor such as `128:3fa9c1d2e0b15a77`, as a run prints it.

    Raises:
        UsageError: it is none.
    """
    found = _ANCHOR.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"'{text.strip()}' is no anchor of an audit log; right would be ENTRIES:HASH, as a run prints it"
        )
    return Anchor(int(found["entries"]), found["head"], where)


def head_file(log: Path) -> Path:
    """The file beside a log that says how long it is."""
    return log.with_name(log.name + HEAD_SUFFIX)


def read_head(log: Path) -> Anchor | None:
    """What the file beside a log says; None where it is not there or says nothing."""
    path = head_file(log)
    try:
        return parse_anchor(path.read_text(encoding="ascii"), path.name)
    except (OSError, UnicodeDecodeError, UsageError):
        return None


def anchors_beside(log: Path) -> list[Anchor]:
    """What is known beside a log: by its head file, and by the manifest of each run that wrote to it."""
    head = read_head(log)
    found = [] if head is None else [head]
    for path in sorted(log.parent.glob("*/manifest.json")):
        if path.parent.is_symlink():  # `latest`, which is one of the others
            continue
        try:
            said = orjson.loads(path.read_bytes())["audit"]
            found.append(parse_anchor(f"{said['entries']}:{said['head']}", f"{path.parent.name}/{path.name}"))
        except (OSError, ValueError, KeyError, TypeError, UsageError):
            continue  # of a run before there were anchors, or one that another command tells to be broken
    return found
