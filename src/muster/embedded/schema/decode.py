"""Decoding of objects as the API server does it: types checked, unknown fields left out and reported."""

from __future__ import annotations

from typing import Any

from muster.embedded.objects import Object
from muster.embedded.schema import types
from muster.embedded.schema.scalars import GO, MisfitError, fit
from muster.embedded.status import StatusError, bad_request

_JSON = {str: "string", bool: "bool", dict: "object", list: "array", int: "number", float: "number"}


class Decoder:
    """Decodes one object; afterwards `unknown` holds the paths of fields that its type does not have."""

    def __init__(self, kind: str, api_version: str) -> None:
        self._kind = kind
        self._version = api_version.rpartition("/")[2]
        self.unknown: list[str] = []

    def decode(self, obj: Object) -> Object:
        """A copy of `obj` with known fields only. Raises `StatusError` 400 for a value that its field cannot hold."""
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
                continue
            shape, _, _, kept = fields[field]
            is_empty = content in ([], {}) and shape[0] in "[{"
            if content is not None and (kept or not is_empty):
                result[field] = self._value(content, shape, here, name)
        return result

    def _value(self, value: Any, shape: str, path: str, owner: str) -> Any:
        if shape == "raw":
            return value
        if shape[0] == "[":
            if not isinstance(value, list):
                raise self._mismatch(value, f"[]{shape[1:-1]}", f"{owner}.{path}")
            return [self._value(item, shape[1:-1], f"{path}[{i}]", owner) for i, item in enumerate(value)]
        if shape[0] == "{":
            return self._map(value, shape[1:-1], path, owner)
        if shape in GO:
            return self._scalar(value, shape, path, owner)
        return self._struct(value, shape, path)

    def _map(self, value: Any, shape: str, path: str, owner: str) -> Any:
        if not isinstance(value, dict):
            raise self._mismatch(value, f"map[string]{GO.get(shape, shape)}", f"{owner}.{path}")
        return {
            key: "" if item is None and shape in ("str", "bytes") else self._value(item, shape, f"{path}.{key}", owner)
            for key, item in value.items()
        }

    def _scalar(self, value: Any, shape: str, path: str, owner: str) -> Any:
        try:
            return fit(value, shape)
        except MisfitError as error:
            if str(error):
                raise self._refusal(f"{owner}.{path}: {error}") from None
            raise self._mismatch(value, GO[shape], f"{owner}.{path}") from None

    def _mismatch(self, value: Any, wanted: str, where: str) -> StatusError:
        found = _JSON.get(type(value), "null")
        return self._refusal(f"json: cannot unmarshal {found} into Go struct field {where} of type {wanted}")

    def _refusal(self, why: str) -> StatusError:
        return bad_request(f'{self._kind} in version "{self._version}" cannot be handled as a {self._kind}: {why}')
