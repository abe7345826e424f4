"""JSON patch, RFC 6902, with JSON pointers, RFC 6901."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from muster.embedded.status import StatusError, bad_request

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_MOST_OPERATIONS = 10_000
_MOST_COPIED = 3 * 1024 * 1024  # bytes that the copies of one patch may add


def apply(document: Any, operations: Any) -> Any:
    """The document after all operations; the one given is left as it is.

    Raises `StatusError`: 400 for what is no JSON patch, 422 where an operation does not fit the document, 413 for a
    patch that makes too much out of little.
    """
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    if len(operations) > _MOST_OPERATIONS:
        raise _too_large(f"the allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}")
    document = copy.deepcopy(document)
    copied = 0
    for operation in operations:
        if operation.get("op") == "copy":
            copied += len(json.dumps(_look(document, _steps(operation.get("from")))))
            if copied > _MOST_COPIED:
                raise _too_large(f"the copies of a JSON patch may add {_MOST_COPIED} bytes at most")
        document = _apply_one(document, operation)
    return document


def _too_large(why: str) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity is too large: {why}", {})


def _apply_one(document: Any, operation: dict[str, Any]) -> Any:
    kind = operation.get("op")
    path = _steps(operation.get("path"))
    if kind == "add":
        return _add(document, path, copy.deepcopy(operation.get("value")))
    if kind == "remove":
        return _remove(document, path)[0]
    if kind == "replace":
        _look(document, path)
        return _add(document, path, copy.deepcopy(operation.get("value")), replace=True)
    if kind == "move":
        document, value = _remove(document, _steps(operation.get("from")))
        return _add(document, path, value)
    if kind == "copy":
        return _add(document, path, copy.deepcopy(_look(document, _steps(operation.get("from")))))
    if kind == "test":
        if _look(document, path, missing=None) != operation.get("value"):
            raise _unfit(f"testing value {operation.get('path')} failed")
        return document
    raise bad_request(f"error decoding patch: unknown operation {kind!r}")


def _unfit(why: str) -> StatusError:
    return StatusError(422, "Invalid", f"the server rejected our request due to an error in our request: {why}", {})


def _steps(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and pointer[0] != "/"):
        raise bad_request(f"error decoding patch: {pointer!r} is not a JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


_ABSENT = object()


def _look(document: Any, path: list[str], missing: Any = _ABSENT) -> Any:
    for step in path:
        found = _child(document, step)
        if found is _ABSENT:
            if missing is _ABSENT:
                raise _unfit(f"/{'/'.join(path)}: no such path")
            return missing
        document = found
    return document


def _child(parent: Any, step: str) -> Any:
    if isinstance(parent, dict):
        return parent.get(step, _ABSENT)
    if isinstance(parent, list) and _INDEX.fullmatch(step) and int(step) < len(parent):
        return parent[int(step)]
    return _ABSENT


def _add(document: Any, path: list[str], value: Any, *, replace: bool = False) -> Any:
    if not path:
        return value
    parent, step = _look(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[step] = value
    elif isinstance(parent, list) and replace:
        parent[int(step)] = value
    elif isinstance(parent, list) and step == "-":
        parent.append(value)
    elif isinstance(parent, list) and _INDEX.fullmatch(step) and int(step) <= len(parent):
        parent.insert(int(step), value)
    else:
        raise _unfit(f"/{'/'.join(path)}: no such place")
    return document


def _remove(document: Any, path: list[str]) -> tuple[Any, Any]:
    """The document without what was there, and what was there."""
    value = _look(document, path)
    if not path:
        return None, value
    parent, step = _look(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.pop(int(step))
    else:
        del parent[step]
    return document, value
