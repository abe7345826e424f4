"""One field of a Kubernetes object: naming it, reading it, and changing it only if it is still what it was.

A path is a tuple of keys; an element of a list is named by a key of its own (`containers[name=api]`), never by its
place, which others may change. Changes are JSON patches (RFC 6902) whose `test` operations make them atomic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from muster.base.errors import UsageError

Operation = dict[str, Any]


class Absent(Enum):
    """The value of a field that is not there, which is something else than null."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent.ABSENT


class Match(NamedTuple):
    """The element of a list whose `key` has this value."""

    key: str
    value: str


Path = tuple[str | Match, ...]

_PART = re.compile(
    r"""
    (?P<name> [^.\[\]"=]+ )
    | \[ (?P<key> [^=\[\]"]+ ) = (?P<value> [^\]]+ ) \]
    | \[ " (?P<quoted> [^"]+ ) " \]
    """,
    re.VERBOSE,
)


def parse_path(text: str) -> Path:
    """Read a path such as `spec.containers[name=api].env[name=MODE]` or `metadata.labels["example.com/tier"]`.

    Raises:
        UsageError: it is not written like that.
    """
    parts: list[str | Match] = []
    position = 0
    while position < len(text):
        if text[position] == "." and parts:
            position += 1
        found = _PART.match(text, position)
        if found is None or (found["name"] is None and not parts):
            break
        parts.append(Match(found["key"], found["value"]) if found["key"] else found["name"] or found["quoted"])
        position = found.end()
    if not parts or position < len(text) or text.endswith("."):
        raise UsageError(
            f"field path '{text}' cannot be read at character {position + 1}; "
            "right would be spec.containers[name=api].env[name=MODE]"
        )
    return tuple(parts)


def show_path(path: Path) -> str:
    """The path as `parse_path` reads it."""
    text = ""
    for part in path:
        if isinstance(part, Match):
            text += f"[{part.key}={part.value}]"
        elif re.search(r'[.\[\]"=]', part):
            text += f'["{part}"]'
        else:
            text += f".{part}" if text else part
    return text


def read_field(content: Any, path: Path) -> Any:
    """The value at a path, or ABSENT."""
    for part in path:
        content = _step(content, part)
        if content is ABSENT:
            return ABSENT
    return content


def change_field(content: Any, path: Path, *, before: Any, after: Any) -> list[Operation]:
    """The patch that takes the field from `before` to `after`, and that fails if it is not `before` any more.

    `content` is the object as last seen; either value may be ABSENT. Missing parents of the field are made.

    Raises:
        UsageError: the path leads through a value that cannot hold it, or `after` would not be found at the path.
    """
    if path and isinstance(path[-1], Match) and after is not ABSENT:
        last = path[-1]
        if not isinstance(after, dict) or after.get(last.key) != last.value:
            raise UsageError(f"the new element at {show_path(path)} must have {last.key} '{last.value}', not {after!r}")
    tests, pointer, known, rest = _resolve(content, path)
    if not rest:
        tests.append({"op": "test", "path": pointer, "value": before})
        change: Operation = {"op": "remove", "path": pointer}
        if after is not ABSENT:
            change = {"op": "replace", "path": pointer, "value": after}
        return [*tests, change]
    # That a field is missing cannot be tested in RFC 6902, that what would hold it is unchanged can.
    tests.append({"op": "test", "path": pointer, "value": known} if pointer else _unchanged(known))
    if not isinstance(known, list if isinstance(rest[0], Match) else dict):
        raise UsageError(f"{show_path(path)} leads through {known!r}, which cannot hold it")
    place = "-" if isinstance(rest[0], Match) else _escape(rest[0])
    return [*tests, {"op": "add", "path": f"{pointer}/{place}", "value": _nest(rest, after)}]


def path_to_json(path: Path) -> list[Any]:
    """The path as it stands in a record."""
    return [{part.key: part.value} if isinstance(part, Match) else part for part in path]


def path_from_json(parts: Sequence[Any]) -> Path:
    """The opposite of `path_to_json`.

    Raises:
        ValueError: a part is an object that does not have exactly one key.
    """
    path: list[str | Match] = []
    for part in parts:
        if isinstance(part, dict):
            ((key, value),) = part.items()
            path.append(Match(str(key), str(value)))
        else:
            path.append(str(part))
    return tuple(path)


def _step(content: Any, part: str | Match) -> Any:
    if isinstance(part, Match):
        place = _place(content, part)
        return ABSENT if place is None else content[place]
    return content.get(part, ABSENT) if isinstance(content, dict) else ABSENT


def _place(content: Any, match: Match) -> int | None:
    if not isinstance(content, list):
        return None
    places = (i for i, item in enumerate(content) if isinstance(item, dict) and item.get(match.key) == match.value)
    return next(places, None)


def _resolve(content: Any, path: Path) -> tuple[list[Operation], str, Any, Path]:
    """Follow the path as far as it exists: tests that hold it in place, pointer, the value there, what is missing."""
    tests: list[Operation] = []
    pointer = ""
    for number, part in enumerate(path):
        inner = _step(content, part)
        if inner is ABSENT:
            return tests, pointer, content, path[number:]
        if isinstance(part, Match):
            pointer += f"/{_place(content, part)}"
            if number + 1 < len(path):
                tests.append({"op": "test", "path": f"{pointer}/{_escape(part.key)}", "value": part.value})
        else:
            pointer += f"/{_escape(part)}"
        content = inner
    return tests, pointer, content, ()


def _unchanged(whole: Any) -> Operation:
    """The test that an object is as it was seen: by its resourceVersion, for it may hold much."""
    version = read_field(whole, ("metadata", "resourceVersion"))
    if version is ABSENT:
        return {"op": "test", "path": "", "value": whole}
    return {"op": "test", "path": "/metadata/resourceVersion", "value": version}


def _nest(rest: Path, value: Any) -> Any:
    """What must stand at rest[0], which is missing, so that `value` stands at the end of `rest`."""
    if len(rest) == 1:
        return value
    inner = _nest(rest[1:], value)
    holder: Any = [inner] if isinstance(rest[1], Match) else {rest[1]: inner}
    return {rest[0].key: rest[0].value, **holder} if isinstance(rest[0], Match) else holder


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
