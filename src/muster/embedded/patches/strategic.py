"""Strategic merge patch: a merge patch that merges lists by key, with directives.

`$patch: delete | replace | merge`, `$retainKeys`, `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`.
"""

from __future__ import annotations

import copy
from typing import Any

from muster.embedded.patches.merge_keys import is_set, merge_key
from muster.embedded.status import bad_request

_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def apply(document: Any, patch: Any) -> Any:
    """The document after the patch. Raises `StatusError` 400 for a patch that makes no sense."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a strategic merge patch is an object")
    return _merge_object(document if isinstance(document, dict) else {}, patch)


def _merge_object(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch.get("$patch")
    if directive == "replace":
        return {field: _plain(value) for field, value in patch.items() if field != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"invalid strategic merge patch: unknown $patch directive {directive!r}")
    result = copy.deepcopy(document)
    if (retained := patch.get("$retainKeys")) is not None:
        _check_list("$retainKeys", retained)
        result = {field: value for field, value in result.items() if field in retained}
    for field, value in patch.items():
        if field.startswith(_DELETE_FROM):
            _delete_from(result, field.removeprefix(_DELETE_FROM), value)
        elif not field.startswith("$"):
            _merge_field(result, field, value)
    for field, order in patch.items():
        if field.startswith(_ORDER):
            _set_order(result, field.removeprefix(_ORDER), order)
    return result


def _merge_field(result: dict[str, Any], field: str, value: Any) -> None:
    if value is None:
        result.pop(field, None)
    elif isinstance(value, dict):
        present = result.get(field)
        result[field] = _merge_object(present if isinstance(present, dict) else {}, value)
        if value.get("$patch") == "delete":
            del result[field]
    elif isinstance(value, list):
        result[field] = _merge_list(field, result.get(field) or [], value)
    else:
        result[field] = value


def _merge_list(field: str, present: list[Any], patch: list[Any]) -> list[Any]:
    if is_set(field):
        return [*present, *(item for item in patch if item not in present)]
    items = [item for item in patch if not _is_bare_directive(item)]
    if len(items) < len(patch) and any(item.get("$patch") == "replace" for item in patch if isinstance(item, dict)):
        return _plain(items)  # type: ignore[no-any-return]
    key = merge_key(field, present, items)
    if key is None:
        return _plain(items)  # type: ignore[no-any-return]
    return _merge_by_key(key, present, items)


def _merge_by_key(key: str, present: list[Any], patch: list[Any]) -> list[Any]:
    result = copy.deepcopy(present)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"invalid strategic merge patch: map does not contain declared merge key: {key}")
        at = next((i for i, other in enumerate(result) if other.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            result = [other for other in result if other.get(key) != item[key]]
        elif at is None:
            result.append(_merge_object({}, item))
        else:
            result[at] = _merge_object(result[at], item)
    return result


def _is_bare_directive(item: Any) -> bool:
    return isinstance(item, dict) and set(item) == {"$patch"}


def _delete_from(result: dict[str, Any], field: str, values: Any) -> None:
    _check_list(_DELETE_FROM + field, values)
    if isinstance(result.get(field), list):
        result[field] = [item for item in result[field] if item not in values]


def _set_order(result: dict[str, Any], field: str, order: Any) -> None:
    """Put the elements that `order` names into that order, all others after them as they were."""
    values = result.get(field)
    _check_list(_ORDER + field, order)
    if not isinstance(values, list) or not order:
        return
    key = merge_key(field, order)

    def place(item: Any) -> int:
        for i, wanted in enumerate(order):
            if _is_same(item, wanted, key):
                return i
        return len(order)

    result[field] = sorted(values, key=place)


def _check_list(directive: str, value: Any) -> None:
    if not isinstance(value, list):
        raise bad_request(f"invalid strategic merge patch: {directive} is not a list")


def _is_same(item: Any, other: Any, key: str | None) -> bool:
    if key is None or not isinstance(item, dict) or not isinstance(other, dict):
        return bool(item == other)
    return bool(item.get(key) == other.get(key))


def _plain(value: Any) -> Any:
    """A value as it is when nothing was there before: directives and nulls left out."""
    if isinstance(value, dict):
        return {field: _plain(item) for field, item in value.items() if not field.startswith("$") and item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
