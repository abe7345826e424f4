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
_KEPT = frozenset((b"host", b"content-length"))  # which `Connection` may name, and a proxy must not leave out
_SPECIAL = _HOP_BY_HOP | _KEPT | {_FORWARDED_FOR}
_NAMES_NONE = (b"keep-alive", b"close", b"upgrade")


class Fields:
    """The header fields of a message, looked at once, as they come."""

    __slots__ = ("_passing", "_repeated", "_special")

    def __init__(self) -> None:
        self._passing: Headers = []  # all but those for the neighbour
        self._special: dict[bytes, bytes] = {}  # those that mean something to a proxy, by name in small letters
        self._repeated: set[bytes] = set()

    def add(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key in _SPECIAL:
            if key in self._special:
                self._repeated.add(key)
                value = self._special[key] + b"," + value
            self._special[key] = value
            if key in _HOP_BY_HOP:
                return
        self._passing.append((name, value))

    @property
    def size(self) -> int:
        """How many bytes they have, about."""
        return sum(len(name) + len(value) for name, value in self._passing)

    def get(self, name: bytes) -> bytes | None:
        """The value of a field that means something to a proxy, such as `content-length`; None where there is none."""
        return self._special.get(name)

    def is_repeated(self, name: bytes) -> bool:
        """Whether such a field is there more than once."""
        return name in self._repeated

    def find(self, name: bytes) -> bytes | None:
        """The values of any field, joined; its name in small letters."""
        if name in _SPECIAL:
            return self._special.get(name)
        found = [value for given, value in self._passing if given.lower() == name]
        return b",".join(found) if found else None

    def set_host(self, host: bytes) -> None:
        self._passing = [(b"Host", host), *(pair for pair in self._passing if pair[0].lower() != b"host")]
        self._special[b"host"] = host

    def end_to_end(self) -> Headers:
        """The fields that pass a proxy: without those for the neighbour, and those that `Connection` names."""
        named = self._special.get(b"connection")
        if named is None or named.lower() in _NAMES_NONE:
            return self._passing.copy()
        gone = {token.strip().lower() for token in named.split(b",")} - _KEPT
        return [pair for pair in self._passing if pair[0].lower() not in gone]

    def forwarded(self, peer: bytes) -> Headers:
        """What passes, with the client's address noted behind those of the proxies before."""
        headers, before = self.end_to_end(), self._special.get(_FORWARDED_FOR)
        if before is not None:
            headers = [pair for pair in headers if pair[0].lower() != _FORWARDED_FOR]
            peer = before + b", " + peer
        headers.append((b"X-Forwarded-For", peer))
        return headers


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
