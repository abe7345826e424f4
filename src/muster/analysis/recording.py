"""Looks at a release kept in a file: JSON Lines, one look a line, `muster/release-recording/v1`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import orjson
from pydantic import ValidationError

from muster.analysis.look import Latency, Look, RecordedLook, Side, Value
from muster.base.errors import UsageError
from muster.base.lines import key_of

SCHEMA = "muster/release-recording/v1"
_COUNTS = ("requests", "failed")
_VALUES = ("failed_agents", "workflow_errors", "cpu", "memory")


def line_of(look: Look) -> str:
    """A look as one line, without the end of it. What is no number (NaN) is left out, and said to be missing."""
    content = look.model_dump(mode="json", exclude_none=True, exclude={"stable", "canary"})
    sides = {
        side: _recordable(getattr(look, side)).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        for side in ("stable", "canary")
    }
    return orjson.dumps({"schema": SCHEMA, **content, **sides}).decode()


def check_appendable(path: Path) -> None:
    """Let pass a file that looks can be appended to, before there are any.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644))
    except OSError as error:
        raise UsageError(f"recording {path} cannot be written: {error.strerror}") from error


def append_look(path: Path, look: Look) -> None:
    """Append a look to a recording, in one write, so that a crash loses no line that stands there.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line_of(look).encode() + b"\n")
        finally:
            os.close(file)
    except OSError as error:
        raise UsageError(f"recording {path} cannot be written: {error.strerror}") from error


def read_recording(path: Path) -> Iterator[Look]:
    """The looks of a recording, in their order. A last line that a crash has cut is left out.

    Raises:
        UsageError: it cannot be read, holds no look, or a line is none; the message names file and line.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"recording {str(path)!r} cannot be read: {why}") from error
    found = False
    for number, line in enumerate(lines, 1):
        cut = number == len(lines) and not line.endswith(b"\n")
        if not line.strip():
            continue
        try:
            look = _look(line)
        except ValueError as error:
            if cut and found:
                return
            raise UsageError(f"recording {path}, line {number}: {error}") from None
        found = True
        yield look
    if not found:
        raise UsageError(f"recording {path} holds no look; right would be a file that a release has recorded")


def _look(line: bytes) -> Look:
    """The look of a line.

    Raises:
        ValueError: it is none; says what is wrong and what would be right.
    """
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError(f'not JSON; right would be one object a line, with "schema": "{SCHEMA}"') from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f'no look of a release; right would be an object with "schema": "{SCHEMA}"')
    try:
        return RecordedLook.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        said = {
            "missing": "is missing",
            "extra_forbidden": "is not a key that is known here",
        }.get(first["type"], f"is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}")
        raise ValueError(f"'{key_of(first['loc'])}' {said}") from None


def _recordable(side: Side) -> Side:
    """A side without what JSON cannot hold."""
    changed: dict[str, object] = {}
    missing = dict(side.missing)
    for name in (*_COUNTS, "latency", *_VALUES):
        if not _finite(getattr(side, name)):
            changed[name] = None
            missing.setdefault(name, "the reading was no number")
    kinds = {name: one for name, one in side.kinds.items() if math.isfinite(one.requests) and math.isfinite(one.failed)}
    return side.model_copy(update={**changed, "kinds": kinds, "missing": missing})


def _finite(reading: float | Value | Latency | None) -> bool:
    if reading is None:
        return True
    if isinstance(reading, Value):
        return math.isfinite(reading.value)
    if isinstance(reading, Latency):
        return all(map(math.isfinite, (reading.count, *reading.bounds_s, *reading.at_most)))
    return math.isfinite(reading)
