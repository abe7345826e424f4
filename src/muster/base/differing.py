"""What is different between two texts, one line for people each."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import zip_longest

LONGEST = 60
# A key with what parts it from its value, as YAML, TOML, properties and environment files have them.
_KEY = re.compile(r"\s*[\w.\-]+\s*[:=]\s*")


def differences(old: str, new: str) -> list[str]:
    """The lines that `new` has changed: `line 3: rate: 150 -> fast`. Empty where the texts are the same.

    Lines are numbered from 1, as they stand in `new`; those that it has no more, as they stood in `old`.
    """
    if old == new:
        return []
    before, after = old.splitlines(), new.splitlines()
    found: list[str] = []
    for what, old_from, old_to, new_from, new_to in SequenceMatcher(None, before, after).get_opcodes():
        if what == "equal":
            continue
        pairs = zip_longest(before[old_from:old_to], after[new_from:new_to])
        found += [_change(pair, old_from + number, new_from + number) for number, pair in enumerate(pairs, start=1)]
    return found or ["line ends"]


def in_short(changes: list[str], most: int = 3) -> str:
    """So many of the changes, in one line, and how many more there are."""
    more = len(changes) - most
    return "; ".join(changes[:most]) + (f" and {more} more" if more > 0 else "")


def _change(pair: tuple[str | None, str | None], old_number: int, new_number: int) -> str:
    before, after = pair
    if before is None:
        return f"line {new_number} added: {_squeeze(after or '')}"
    if after is None:
        return f"line {old_number} removed: {_squeeze(before)}"
    key = _KEY.match(after)
    if key and before.startswith(key[0]):
        values = _squeeze(before[key.end() :]), _squeeze(after[key.end() :])
        return f"line {new_number}: {_squeeze(key[0])} {values[0]} -> {values[1]}"
    return f"line {new_number}: {_squeeze(before)} -> {_squeeze(after)}"


def _squeeze(text: str) -> str:
    """The text without superfluous space, not too long."""
    short = " ".join(text.split())
    return short if len(short) <= LONGEST else f"{short[: LONGEST - 3]}..."
