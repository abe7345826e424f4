"""Texts that people or programs gave, fit to be kept and shown: one line, and nothing that a terminal obeys."""

from __future__ import annotations


def one_line(text: str) -> str:
    """A text on one line, without what cannot be seen: control characters, marks of direction and the like."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
