"""What of a text must not be kept."""

from __future__ import annotations

import re

MASK = "***"
# These take time in proportion to a text's length: no part that repeats stands before one that tells.
_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+@")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
SECRET_NAME = re.compile(r"passw(?:or)?d|secret|token|credential|api[_-]?key|private[_-]?key", re.IGNORECASE)
# What stands after a name that sounds like a secret, to the end of the line.
_NAMED = re.compile(
    rf"(?P<name>(?:{SECRET_NAME.pattern})[\w.-]*[\"'\]]*"
    r"\s*(?:[:=]|,\s*[\"']value[\"']:)\s*)(?P<value>[^\n]+)",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """A text without what looks like a secret: credentials in addresses and headers, and what follows a telling name.

    A last bolt, since texts come from everywhere: no secret is meant to be in them.
    """
    text = _BEARER.sub(rf"\1 {MASK}", _IN_ADDRESS.sub(f"{MASK}@", text))
    return _NAMED.sub(rf"\g<name>{MASK}", text)
