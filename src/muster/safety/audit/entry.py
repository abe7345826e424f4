"""One entry of the audit log: a line that carries its own digest and that of the entry before it.

The digest is taken of the bytes as they stand in the file, so that nothing depends on how JSON is written again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

GENESIS = "0" * 64  # what the first entry names as the one before it
OWN_KEYS = frozenset({"number", "previous", "hash", "torn"})
_HASH = re.compile(rb',"hash":"([0-9a-f]{64})"\}$')


class Entry(NamedTuple):
    """An entry as it was read. `number` counts from 1, `previous` is the hash of the entry before it (SHA-256)."""

    number: int
    previous: str
    hash: str
    content: dict[str, Any]


def seal(content: Mapping[str, Any], *, number: int, previous: str) -> bytes:
    """The line of an entry, without its newline.

    Raises:
        TypeError: the content cannot be written as JSON.
    """
    body = orjson.dumps({**content, "number": number, "previous": previous})
    return body[:-1] + f',"hash":"{hashlib.sha256(body).hexdigest()}"}}'.encode()


def read_entry(line: bytes) -> Entry | None:
    """The entry that a line is, without its newline; None where it is none that was ever sealed so."""
    found = _HASH.search(line)
    if found is None:
        return None
    body, digest = line[: found.start()] + b"}", found[1].decode()
    if hashlib.sha256(body).hexdigest() != digest:
        return None
    try:
        content = orjson.loads(line)
        number, previous = content["number"], content["previous"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if type(number) is not int or number < 1 or not isinstance(previous, str):
        return None
    return Entry(number, previous, digest, content)


def torn(remains: bytes) -> dict[str, Any]:
    """What an entry says of the remains of half-written ones that it found before it."""
    return {"bytes": len(remains), "sha256": hashlib.sha256(remains).hexdigest()}
