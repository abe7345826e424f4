"""What must stand in an answer, named by dotted paths, and what is filled into a request."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from muster.system.checks import Check
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


def failing(document: Any, checks: Mapping[str, Check], *, some: bool = False) -> str:
    """What a document does not hold of what is checked at dotted paths, in one line; empty where it holds all.

    Unlike for `values_at`, what a single element of a list lacks is missing: a list is not whole because one is. An
    empty list has no element that could lack anything, unless there must be `some`.
    """
    for path, check in checks.items():
        values = _places_at(document, path) or ([MISSING] if some else [])
        if lacking := sum(value is MISSING for value in values):
            return f"'{path}' is not there" + (f", in {lacking} of {len(values)}" if len(values) > 1 else "")
        if strange := next((said for value in values if (said := _against(value, check))), ""):
            return f"'{path}' is {strange}"
    return ""


def _against(value: Any, check: Check) -> str:
    """What a value is instead of what it must be; empty where it is that."""
    if check.at_least is not None or check.at_most is not None:
        size = _size(value)
        counted = f", which is {size:g} long" if isinstance(value, str | list | dict) else ""
        if check.at_least is not None and not size >= check.at_least:
            return f"{_short(value)}{counted}, not at least {check.at_least:g}"
        if check.at_most is not None and not size <= check.at_most:
            return f"{_short(value)}{counted}, not at most {check.at_most:g}"
    if check.matches is not None and not (isinstance(value, str | int | float) and _is_like(value, check.matches)):
        return f"{_short(value)}, which does not match '{check.matches}'"
    if check.one_of is not None and value not in check.one_of:
        return f"{_short(value)}, none of {', '.join(map(_short, check.one_of))}"
    return ""


def _size(value: Any) -> float:
    if isinstance(value, str | list | dict):
        return float(len(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else math.nan  # of which nothing is many or few


def _is_like(value: str | float, pattern: str) -> bool:
    return re.search(pattern, value if isinstance(value, str) else _short(value)) is not None


def _places_at(document: Any, path: str) -> list[Any]:
    """The value at a dotted path, once for each element of the lists on the way, `MISSING` where one lacks it."""
    found = [document]
    for part in path.split("."):
        found = [value for node in found for value in _strict_step(node, part)]
    return found


def _strict_step(node: Any, part: str) -> list[Any]:
    if isinstance(node, list) and not part.isdecimal():
        return [value for element in node for value in _strict_step(element, part)]
    return _step(node, part) or [MISSING]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)  # numbers of any size, which orjson has not
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
