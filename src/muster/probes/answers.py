"""What must stand in an answer, named by dotted paths, and what is filled into a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from muster.system.requests import PLACE

MISSING = object()


def parse(body: bytes) -> Any:
    """The JSON document in an answer, or `MISSING` if it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return MISSING


def values_at(document: Any, path: str) -> list[Any]:
    """All values at a dotted path; none if there is no such place.

    On the way a list stands for each of its elements (`items.id` is the id of every item), unless the next part of the
    path is a number: then for that element (`items.0.id`).
    """
    found = [] if document is MISSING else [document]
    for part in path.split("."):
        found = [value for node in found for value in _step(node, part)]
    return found


def unexpected(document: Any, expect: Mapping[str, Any]) -> str:
    """What a document holds instead of what is expected at dotted paths, in one line; empty where it is as expected."""
    for path, wanted in expect.items():
        found = values_at(document, path)
        if found != [wanted]:
            said = "nothing" if not found else ", ".join(_short(value) for value in found)
            return f"'{path}' is {said}, not {_short(wanted)}"
    return ""


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


def fill(template: Any, **values: str) -> Any:
    """A copy of a path or body with `{name}` replaced by each of `values`, in strings at any depth."""
    if isinstance(template, str):
        # In one go: what is filled in is nobody's template.
        return PLACE.sub(lambda place: values.get(place[1], place[0]), template)
    if isinstance(template, dict):
        return {key: fill(value, **values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, **values) for value in template]
    return template


def identity_at(document: Any, path: str) -> str | None:
    """The one id at a dotted path, as text; None where none stands there, or more than one."""
    found = values_at(document, path)
    return _identity(found[0]) if len(found) == 1 else None


def _identity(value: Any) -> str | None:
    """An id as text: services give numbers as well. None for what is no id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def contents_of(document: Any, identity: str, *, id_path: str, content_path: str) -> list[Any]:
    """The contents that a read's answer gives for one id: none if it does not hold that id, several if more than once.

    Ids and contents belong together in order, so an answer may be one document or a list of several.
    """
    ids, contents = values_at(document, id_path), values_at(document, content_path)
    if len(contents) != len(ids):
        # Some entry has no content: which one cannot be told by order.
        contents = [None] * len(ids) if len(ids) != 1 else [contents]
    return [content for found, content in zip(ids, contents, strict=True) if _identity(found) == identity]


def _step(node: Any, part: str) -> list[Any]:
    if isinstance(node, list):
        if part.isdecimal():
            return [node[int(part)]] if int(part) < len(node) else []
        return [value for element in node for value in _step(element, part)]
    if isinstance(node, dict) and part in node:
        return [node[part]]
    return []
