"""The values that are no objects: what each may be in JSON, and the one form in which it is kept."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

GO = {
    "str": "string", "bool": "bool", "float": "float64", "bytes": "[]uint8", "time": "v1.Time",
    "microtime": "v1.MicroTime", "duration": "v1.Duration", "quantity": "resource.Quantity",
    "intstr": "intstr.IntOrString", "int32": "int32", "int64": "int64",
}  # fmt: skip
_BITS = {"int32": 31, "int64": 63}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(([numkMGTPE]|[KMGTPE]i)?|[eE][+-]?\d{1,3})", re.ASCII)
_QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


class MisfitError(ValueError):
    """A value that its field cannot hold; the text says why, and is empty where it is of another type."""


def fit(value: Any, shape: str) -> Any:
    """The value as a field of a shape of `GO` keeps it. Raises `MisfitError`."""
    return _FITS[shape](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MisfitError
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise MisfitError
    return value


def _number(value: Any) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise MisfitError
    return value


def _whole(shape: str) -> Callable[[Any], int]:
    limit = 1 << _BITS[shape]

    def whole(value: Any) -> int:
        if not -limit <= _number(value) < limit or value != int(value):
            raise MisfitError
        return int(value)

    return whole


def _bytes(value: Any) -> str:
    try:
        base64.b64decode(re.sub(r"[\r\n]", "", _text(value)), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MisfitError(f"illegal base64 data: {error}") from None
    return str(value)


def parse_time(text: str) -> datetime:
    """The time in UTC that RFC 3339 says. Raises `MisfitError`."""
    if not _TIME.fullmatch(text):
        raise MisfitError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse it')
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MisfitError(f'parsing time "{text}": {error}') from None


def _time(value: Any) -> str:
    return format_time(parse_time(_text(value)))


def _microtime(value: Any) -> str:
    return format_microtime(parse_time(_text(value)))


def format_time(at: datetime) -> str:
    """A time in UTC as `metav1.Time` has it: whole seconds."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def format_microtime(at: datetime) -> str:
    """A time in UTC as `metav1.MicroTime` has it."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _quantity(value: Any) -> str:
    text = value if isinstance(value, str) else str(_number(value))
    if not _QUANTITY.fullmatch(text.strip()):
        raise MisfitError(_QUANTITY_RULE)
    return text


def _int_or_text(value: Any) -> int | str:
    return value if isinstance(value, str) else _whole("int32")(value)


_FITS: dict[str, Callable[[Any], Any]] = {
    "str": _text, "bool": _bool, "float": _number, "bytes": _bytes, "time": _time, "microtime": _microtime,
    "duration": _text, "quantity": _quantity, "intstr": _int_or_text,
    "int32": _whole("int32"), "int64": _whole("int64"),
}  # fmt: skip
