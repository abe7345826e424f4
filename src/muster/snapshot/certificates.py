"""Until when a certificate holds: all that is kept of one."""

from __future__ import annotations

import base64
import re
import ssl
from datetime import UTC, datetime

from muster.snapshot.model import Object

NOT_AFTER = "muster.dev/not-after"
_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def not_after(pem: str) -> str | None:
    """Until when the first certificate of a PEM text holds, as ISO 8601; None where there is none that can be read."""
    found = _FIRST.search(pem)
    if found is None:
        return None
    try:
        return _validity(ssl.PEM_cert_to_DER_cert(found[0])).isoformat().replace("+00:00", "Z")
    except (ValueError, IndexError):
        return None


def with_expiry(item: Object, kept: Object) -> Object:
    """A Secret without its values that says until when its certificate holds."""
    encoded = (item.get("data") or {}).get("tls.crt")
    try:
        until = not_after(base64.b64decode(encoded).decode("ascii")) if encoded else None
    except ValueError:
        until = None
    if until is None:
        return kept
    metadata = kept["metadata"]
    return {**kept, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), NOT_AFTER: until}}}


def _validity(der: bytes) -> datetime:
    """The end of `validity` of a certificate (RFC 5280, 4.1): the fifth part of its first, or sixth with a version.

    Raises:
        ValueError, IndexError: it is none.
    """
    _, certificate = _value(der, 0)
    _, signed = _value(certificate, 0)
    at, parts = 0, list[tuple[int, bytes]]()
    while at < len(signed) and len(parts) < 6:
        tag, length, start = _head(signed, at)
        parts.append((tag, signed[start : start + length]))
        at = start + length
    validity = parts[4 if parts[0][0] == 0xA0 else 3][1]
    _, length, start = _head(validity, 0)
    tag, end = _value(validity, start + length)
    text = end.decode("ascii")
    form = "%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def _value(data: bytes, at: int) -> tuple[int, bytes]:
    tag, length, start = _head(data, at)
    return tag, data[start : start + length]


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, length and where the value begins, of the DER element at a place."""
    tag, first = data[at], data[at + 1]
    if first < 0x80:
        return tag, first, at + 2
    size = first & 0x7F
    return tag, int.from_bytes(data[at + 2 : at + 2 + size], "big"), at + 2 + size
