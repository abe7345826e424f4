"""What stands before a body: which header fields pass a proxy, what is added, and the answers that are its own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

Headers = list[tuple[bytes, bytes]]

SERVER = b"embedded-gateway"
# Said between two neighbours only (RFC 9110, 7.6.1); how a body is framed is said anew.
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade", b"http2-settings")
)
_FORWARDED_FOR = b"x-forwarded-for"


class Modifier:
    """Changes of header fields: some removed, some set to one value, some added."""

    def __init__(self, described: dict[str, Any]) -> None:
        """`described` is a filter's `requestHeaderModifier` or `responseHeaderModifier`."""
        self._set = [_pair(item) for item in described.get("set") or ()]
        self._add = [_pair(item) for item in described.get("add") or ()]
        removed = {name.lower().encode("latin-1") for name in described.get("remove") or ()}
        self._gone = removed | {name.lower() for name, _ in self._set}

    def apply(self, headers: Headers) -> Headers:
        """The fields after the changes."""
        kept = [pair for pair in headers if pair[0].lower() not in self._gone]
        return kept + self._set + self._add


def _pair(item: dict[str, str]) -> tuple[bytes, bytes]:
    return item["name"].encode("latin-1", "replace"), item["value"].encode("latin-1", "replace")


def end_to_end(headers: Headers) -> Headers:
    """The fields that pass a proxy: without those for the neighbour, and those that `Connection` names."""
    named: frozenset[bytes] | set[bytes] = _HOP_BY_HOP
    for name, value in headers:
        if len(name) == 10 and name.lower() == b"connection":
            named = named | {token.strip().lower() for token in value.split(b",")}
    return [pair for pair in headers if pair[0].lower() not in named]


def value_of(headers: Headers, wanted: bytes) -> bytes | None:
    """The values of a field, joined; None where it is not there. `wanted` in small letters."""
    found = [value for name, value in headers if len(name) == len(wanted) and name.lower() == wanted]
    return b",".join(found) if found else None


def forwarded(headers: Headers, peer: bytes) -> Headers:
    """The fields with the client's address noted behind those of the proxies before."""
    before = value_of(headers, _FORWARDED_FOR)
    if before is None:
        return [*headers, (b"X-Forwarded-For", peer)]
    rest = [pair for pair in headers if pair[0].lower() != _FORWARDED_FOR]
    return [*rest, (b"X-Forwarded-For", before + b", " + peer)]


def head(first: bytes, headers: Headers) -> bytes:
    """A whole head: the first line, the fields, the empty line."""
    lines = [first, *(b"%s: %s" % pair for pair in headers), b"", b""]
    return b"\r\n".join(lines)


def own_answer(status: int, why: str, *, close: bool, bodiless: bool) -> bytes:
    """An answer that no backend gave; `bodiless` answers a HEAD."""
    text = why.encode()
    headers = [(b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(text)), (b"Server", SERVER)]
    if close:
        headers.append((b"Connection", b"close"))
    first = b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())
    return head(first, headers) + (b"" if bodiless else text)


def chunk(data: bytes) -> bytes:
    """A piece of a body whose length is not told beforehand."""
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
