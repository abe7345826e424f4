"""Decoding of objects as the API server does it: types checked, unknown fields left out and reported."""

from __future__ import annotations

from typing import Any

from muster.embedded.objects import Object
from muster.embedded.schema import types
from muster.embedded.status import StatusError, bad_request

# Quantities are strings that may be written as numbers: `cpu: 1`.
_QUANTITIES = {"limits", "requests", "capacity", "allocatable", "hard", "allocatedResources", "overhead", "sizeLimit"}
# Lists that Go encodes even when they are empty.
_KEPT_EMPTY = {"containers", "endpoints", "addresses"}
_GO = {"str": "string", "int": "int32", "bool": "bool", "float": "float64", "time": "v1.Time", "bytes": "[]uint8"}
_JSON = {str: "string", bool: "bool", dict: "object", list: "array", int: "number", float: "number"}


class Decoder:
    """Decodes one object; afterwards `unknown` holds the paths of fields that its type does not have."""

    def __init__(self, kind: str, api_version: str) -> None:
        self._kind = kind
        self._version = api_version.rpartition("/")[2]
        self.unknown: list[str] = []

    def decode(self, obj: Object) -> Object:
        """A copy of `obj` with known fields only. Raises `StatusError` 400 for a value of the wrong type."""
        return self._struct(obj, self._kind, "")

    def _struct(self, value: Any, name: str, path: str) -> Object:
        if not isinstance(value, dict):
            raise self._mismatch(value, name, path)
        fields = types()[name]
        result: Object = {}
        for field, content in value.items():
            here = f"{path}.{field}" if path else field
            if field not in fields:
                self.unknown.append(here)
            elif content is not None and not (
                content in ([], {}) and fields[field][0] in "[{" and field not in _KEPT_EMPTY
            ):
                result[field] = self._value(content, fields[field], here, name)
        return result

    def _value(self, value: Any, shape: str, path: str, owner: str) -> Any:
        if shape == "any":
            return value
        if shape[0] == "[":
            if not isinstance(value, list):
                raise self._mismatch(value, f"[]{shape[1:-1]}", f"{owner}.{path}")
            return [self._value(item, shape[1:-1], f"{path}[{i}]", owner) for i, item in enumerate(value)]
        if shape[0] == "{":
            return self._map(value, shape[1:-1], path, owner)
        if shape in _GO:
            return self._scalar(value, shape, path, owner)
        return self._struct(value, shape, path)

    def _map(self, value: Any, shape: str, path: str, owner: str) -> Any:
        if not isinstance(value, dict):
            raise self._mismatch(value, f"map[string]{_GO.get(shape, shape)}", f"{owner}.{path}")
        return {
            key: "" if item is None and shape == "str" else self._value(item, shape, f"{path}.{key}", owner)
            for key, item in value.items()
        }

    def _scalar(self, value: Any, shape: str, path: str, owner: str) -> Any:
        if shape in ("str", "time", "bytes"):
            if isinstance(value, str):
                return value
            if isinstance(value, int | float) and not isinstance(value, bool) and _is_quantity(path):
                return str(value)
        elif shape == "bool":
            if isinstance(value, bool):
                return value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if shape == "float":
                return value
            if value == int(value):
                return int(value)
        raise self._mismatch(value, _GO[shape], f"{owner}.{path}")

    def _mismatch(self, value: Any, wanted: str, where: str) -> StatusError:
        found = _JSON.get(type(value), "null")
        return bad_request(
            f'{self._kind} in version "{self._version}" cannot be handled as a {self._kind}: json: cannot unmarshal '
            f"{found} into Go struct field {where} of type {wanted}"
        )


def _is_quantity(path: str) -> bool:
    return any(step in _QUANTITIES for step in path.split(".")[-2:])
