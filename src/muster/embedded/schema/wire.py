"""The wire format of protobuf: tagged numbers and runs of bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_SIZES = {FIXED64: 8, FIXED32: 4}
_WORD = (1 << 64) - 1


def varint(value: int) -> bytes:
    """A whole number; a negative one as its complement of two in 64 bits."""
    value &= _WORD
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field with a whole number or a boolean."""
    return varint(field << 3 | VARINT) + varint(value)


def double(field: int, value: float) -> bytes:
    """A field with a float of 64 bits."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", value)


def run(field: int, value: bytes) -> bytes:
    """A field with bytes: a text, a message."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: their numbers, and a number or the bytes. Raises `ValueError` for what is no message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind, field = tag & 7, tag >> 3
        if kind == VARINT:
            value, at = _varint(data, at)
            yield field, value
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise ValueError(f"proto: illegal wireType {kind}")
        if size > len(data) - at:
            raise ValueError("unexpected EOF")
        yield field, data[at : at + size]
        at += size


def numbers(data: bytes) -> Iterator[int]:
    """The whole numbers of a packed field. Raises `ValueError`."""
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def signed(value: int, bits: int = 64) -> int:
    """The number with a sign that stands in the lower bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("unexpected EOF")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WORD, at
    raise ValueError("proto: integer overflow")
