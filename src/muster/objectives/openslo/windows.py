"""The annotation that says in which windows of a drill something is judged."""

from __future__ import annotations

from typing import TypeVar

from muster.objectives.openslo.objects import Placed

Word = TypeVar("Word", bound=str)


def windows_noted(placed: Placed, known: tuple[Word, ...], *, default: tuple[Word, ...]) -> tuple[Word, ...]:
    """What the annotation muster.dev/windows says: some of the known words, with commas between, or `none`.

    Raises:
        UsageError: a word is not known.
    """
    told = placed.note("windows")
    if told is None:
        return default
    words = [word.strip() for word in told.split(",")]
    if words == ["none"]:
        return ()
    for word in words:
        if word not in known:
            raise placed.wrong_note("windows", f"says '{word}'; right would be some of {', '.join(known)}, or none")
    return tuple(word for word in known if word in words)
