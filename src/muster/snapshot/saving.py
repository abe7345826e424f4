"""A snapshot as JSON, and in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.snapshot.model import SCHEMA, LogTail, Missing, Snapshot


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """The document that a file holds."""
    return {
        "schema": SCHEMA,
        "taken": snapshot.taken,
        "namespace": snapshot.namespace,
        "context": snapshot.context,
        "kubernetes": snapshot.kubernetes,
        "listed": sorted(snapshot.listed),
        "objects": list(snapshot.objects),
        "logs": [{**tail._asdict(), "lines": list(tail.lines)} for tail in snapshot.logs],
        "system": snapshot.system,
        "answers": snapshot.answers,
        "missing": [missing._asdict() for missing in snapshot.missing],
    }


def from_json(content: dict[str, Any]) -> Snapshot:
    """The snapshot that a document of the right schema holds.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is none.
    """
    return Snapshot(
        taken=str(content["taken"]),
        namespace=str(content["namespace"]),
        context=str(content["context"]),
        kubernetes=str(content["kubernetes"]),
        listed=frozenset(content["listed"]),
        objects=tuple(content["objects"]),
        logs=tuple(LogTail(**{**tail, "lines": tuple(tail["lines"])}) for tail in content["logs"]),
        system=dict(content["system"]),
        answers=dict(content["answers"]),
        missing=tuple(Missing(**missing) for missing in content["missing"]),
    )


def save_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot, readable by its owner only: logs may hold what no masker knows.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        write_atomically(path, orjson.dumps(to_json(snapshot), option=orjson.OPT_INDENT_2) + b"\n", mode=0o600)
    except OSError as error:
        raise UsageError(f"snapshot {path} cannot be written: {error.strerror}") from error
