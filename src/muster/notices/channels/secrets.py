"""Keeping an address out of every text: it is a password, whoever has it can write to people."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from muster.base.masking import MASK, masked
from muster.base.texts import one_line

SHORTEST = 4  # what is shorter is no secret, and would mask half of every sentence
LONGEST_REASON = 200


class Secrets:
    """What of an address must not be shown: all but the scheme, the host and the port."""

    def __init__(self, address: str) -> None:
        parts = {part for part in _parts(address) if len(part) >= SHORTEST}
        self._parts = sorted(parts, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """A text in one line, without any part of the address."""
        for part in self._parts:
            text = text.replace(part, MASK)
        return one_line(masked(text))[:LONGEST_REASON]


def _parts(address: str) -> Iterator[str]:
    yield address
    try:
        split = urlsplit(address)
        said = [split.username, split.password, *split.path.split("/"), *(value for _, value in parse_qsl(split.query))]
        said += split.netloc.rpartition("@")[0].split(":")
    except ValueError:
        return
    if split.hostname is None or "." not in split.hostname:
        said.append(split.netloc.rpartition("@")[2].partition(":")[0])  # a token stands where a host would
    for part in said:
        if part and part != "localhost":
            yield part
            yield unquote(part)
