"""What phases and verdicts are called on a terminal, and how they are marked besides their colour."""

from __future__ import annotations

import re

# What a drill is doing, in a line of its own.
DOING = {
    "deploy": "deploying",
    "load": "starting load",
    "steady": "waiting for a steady state",
    "inject": "injecting",
    "recover": "recovering with",
    "good": "waiting for good service",
    "undo": "undoing",
    "after": "stopping the load",
    "judge": "judging",
}
# The same in the list of phases, where there is little room.
SHORT = {"inject": "fault", "recover": "recovery", "good": "good again", "after": "stop load"}
COLOURS = {"met": "green", "missed": "red", "unknown": "yellow"}
SYMBOLS = {"met": "✓", "missed": "✗", "unknown": "?"}
PLAIN_SYMBOLS = {"met": "+", "missed": "x", "unknown": "?"}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def one_line(text: object) -> str:
    """A text from elsewhere, safe to print: no line ends, no control characters."""
    return CONTROL.sub(" ", ESCAPE.sub("", str(text))).strip()


def mark(verdict: str, encoding: str | None) -> str:
    """A verdict's symbol, in whatever the output can write."""
    symbol = SYMBOLS.get(verdict, "?")
    try:
        symbol.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_SYMBOLS.get(verdict, "?")
    return symbol
