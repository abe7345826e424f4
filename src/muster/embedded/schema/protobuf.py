"""Objects in protobuf, as clients written in Go send and read them: an envelope that names the type, and the object.

Such an object has no word for "not said" where Go has none: what is zero and no pointer is left out when it is read,
as Go leaves it out of JSON.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from muster.embedded.objects import Object
from muster.embedded.schema import Field, types, wire
from muster.embedded.schema.custom import custom_types
from muster.embedded.schema.scalars import format_microtime, format_time, parse_time

MAGIC = b"k8s\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)


def is_known(kind: str) -> bool:
    """Whether objects of this kind can be written in protobuf; tables cannot."""
    return kind in types() and kind not in custom_types()


def encode(obj: Object) -> bytes:
    """An object in its envelope."""
    kind = wire.run(1, obj.get("apiVersion", "").encode()) + wire.run(2, obj.get("kind", "").encode())
    body = wire.run(1, kind) + wire.run(2, _message(obj, obj["kind"])) + wire.run(3, b"") + wire.run(4, b"")
    return MAGIC + body


def encode_event(kind: str, obj: Object) -> bytes:
    """One event of a watch with its length in front."""
    event = wire.run(1, kind.encode()) + wire.run(2, wire.run(1, encode(obj)))
    return len(event).to_bytes(4, "big") + event


def decode(data: bytes) -> Object:
    """The object in an envelope. Raises `ValueError` for what is none, or is of a type that is not served."""
    if not data.startswith(MAGIC):
        raise ValueError("the magic number of protobuf is missing")
    envelope = dict(wire.fields(data[len(MAGIC) :]))
    named = dict(wire.fields(_run(envelope.get(1, b""))))
    version, kind = _run(named.get(1, b"")).decode(), _run(named.get(2, b"")).decode()
    if not is_known(kind):
        raise ValueError(f'no kind "{kind}" is registered for version "{version}"')
    return {"kind": kind, "apiVersion": version} | _Reader(kind).object(_run(envelope.get(2, b"")))


def _run(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("proto: wrong wireType")  # noqa: TRY004 - it is the data that is wrong
    return value


def _whole(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise ValueError("proto: wrong wireType")  # noqa: TRY004 - it is the data that is wrong
    return value


# Writing


def _message(obj: Object, kind: str) -> bytes:
    """An object without an envelope."""
    parts: list[bytes] = []
    inline: dict[int, list[bytes]] = {}
    fields = types()[kind]
    for name, value in obj.items():
        field = fields.get(name)
        if field is None or not field.numbers or value is None:
            continue
        *outer, number = field.numbers
        written = _field(number, value, field.shape)
        if outer:
            inline.setdefault(outer[0], []).append(_within(outer[1:], written))
        else:
            parts.append(written)
    parts += [wire.run(number, b"".join(found)) for number, found in inline.items()]
    return b"".join(parts)


def _within(outer: list[int], written: bytes) -> bytes:
    for number in reversed(outer):
        written = wire.run(number, written)
    return written


def _field(number: int, value: Any, shape: str) -> bytes:
    if shape[0] == "[":
        return b"".join(_field(number, item, shape[1:-1]) for item in value)
    if shape[0] == "{":
        entries = (wire.run(1, key.encode()) + _value(item, shape[1:-1]) for key, item in value.items())
        return b"".join(wire.run(number, entry) for entry in entries)
    if shape in ("int32", "int64", "bool"):
        return wire.number(number, int(value))
    if shape == "float":
        return wire.double(number, value)
    if shape in _WRITERS:
        return wire.run(number, _WRITERS[shape](value))
    return wire.run(number, _message(value, shape))


def _value(item: Any, shape: str) -> bytes:
    """What a map holds for a key; a list, which protobuf cannot put there, in a message of its own (`ExtraValue`)."""
    return wire.run(2, _field(1, item, shape)) if shape[0] == "[" else _field(2, item, shape)


def _write_time(text: str) -> bytes:
    since = parse_time(text) - _EPOCH
    seconds = since // timedelta(seconds=1)
    nanoseconds = (since - timedelta(seconds=seconds)) // timedelta(microseconds=1) * 1000
    return wire.number(1, seconds) + wire.number(2, nanoseconds)


def _write_duration(text: str) -> bytes:
    found = _DURATION.fullmatch(text)
    hours, minutes, seconds = (float(part or 0) for part in (found.groups() if found else ("", "", "")))
    return wire.number(1, int((hours * 3600 + minutes * 60 + seconds) * 1e9))


def _write_int_or_text(value: int | str) -> bytes:
    is_text = isinstance(value, str)
    text = str(value).encode() if is_text else b""
    return wire.number(1, is_text) + wire.number(2, 0 if is_text else int(value)) + wire.run(3, text)


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "str": str.encode,
    "bytes": base64.b64decode,
    "time": _write_time,
    "microtime": _write_time,
    "duration": _write_duration,
    "quantity": lambda value: wire.run(1, str(value).encode()),
    "intstr": _write_int_or_text,
    "raw": lambda value: wire.run(1, orjson.dumps(value)),
}


# Reading


@cache
def _names(kind: str, outer: tuple[int, ...]) -> dict[int, tuple[str, Field] | None]:
    """The fields of a message of a type by their numbers; None for a message whose fields are the type's own."""
    found: dict[int, tuple[str, Field] | None] = {}
    for name, field in types()[kind].items():
        if field.numbers[: len(outer)] == outer and len(field.numbers) > len(outer):
            number = field.numbers[len(outer)]
            found[number] = (name, field) if len(field.numbers) == len(outer) + 1 else None
    return found


class _Reader:
    """Reads messages of one type."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def object(self, data: bytes) -> Object:
        result: Object = {}
        self._collect(data, result, ())
        return result

    def _collect(self, data: bytes, result: Object, outer: tuple[int, ...]) -> None:
        names = _names(self._kind, outer)
        for number, value in wire.fields(data):
            if number not in names:
                continue
            entry = names[number]
            if entry is None:
                self._collect(_run(value), result, (*outer, number))
            else:
                _put(result, *entry, value)


def _put(result: Object, name: str, field: Field, value: int | bytes) -> None:
    shape = field.shape
    if shape[0] == "[":
        result.setdefault(name, []).extend(_items(value, shape[1:-1]))
    elif shape[0] == "{":
        entry = dict(wire.fields(_run(value)))
        key = _run(entry.get(1, b"")).decode()
        result.setdefault(name, {})[key] = _entry_value(entry.get(2, b""), shape[1:-1])
    else:
        found = _read(value, shape)
        if found is not None and (found not in _ZEROS or field.pointer or (field.kept and found != {})):
            result[name] = found


def _entry_value(value: int | bytes, shape: str) -> Any:
    if shape[0] != "[":
        return _read(value, shape)
    return [item for number, found in wire.fields(_run(value)) if number == 1 for item in _items(found, shape[1:-1])]


_ZEROS: tuple[Any, ...] = ("", 0, False, 0.0, {})


def _items(value: int | bytes, shape: str) -> Iterable[Any]:
    if shape in ("int32", "int64") and isinstance(value, bytes):
        return [_read(item, shape) for item in wire.numbers(value)]
    return [_read(value, shape)]


def _read(value: int | bytes, shape: str) -> Any:
    if shape in _NUMBERS:
        return _NUMBERS[shape](_whole(value))
    if shape == "float":
        (found,) = struct.unpack("<d", _run(value).rjust(8, b"\0")[:8])
        return found
    if shape in _READERS:
        return _READERS[shape](_run(value))
    return _Reader(shape).object(_run(value))


def _read_time(data: bytes) -> datetime | None:
    """The time that a message says; None for an empty one, which is Go's zero."""
    found = dict(wire.fields(data))
    seconds, nanoseconds = wire.signed(_whole(found.get(1, 0))), wire.signed(_whole(found.get(2, 0)), 32)
    if not seconds and not nanoseconds:
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
    except OverflowError as error:
        raise ValueError(f"the time is out of range: {error}") from None


def _time_reader(form: Callable[[datetime], str]) -> Callable[[bytes], str | None]:
    def read(data: bytes) -> str | None:
        at = _read_time(data)
        return form(at) if at else None

    return read


def _read_int_or_text(data: bytes) -> int | str:
    found = dict(wire.fields(data))
    if _whole(found.get(1, 0)):
        return _run(found.get(3, b"")).decode()
    return wire.signed(_whole(found.get(2, 0)), 32)


_NUMBERS: dict[str, Callable[[int], Any]] = {
    "bool": bool,
    "int32": lambda value: wire.signed(value, 32),
    "int64": wire.signed,
}
_READERS: dict[str, Callable[[bytes], Any]] = {
    "str": bytes.decode,
    "bytes": lambda data: base64.b64encode(data).decode(),
    "time": _time_reader(format_time),
    "microtime": _time_reader(format_microtime),
    "duration": lambda data: f"{wire.signed(_whole(dict(wire.fields(data)).get(1, 0))) / 1e9:g}s",
    "quantity": lambda data: _run(dict(wire.fields(data)).get(1, b"")).decode(),
    "intstr": _read_int_or_text,
    "raw": lambda data: orjson.loads(_run(dict(wire.fields(data)).get(1, b"")) or b"null"),
}
