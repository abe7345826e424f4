"""Why a verdict is not green: one line that says what is wrong, one that says what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """`what` is wrong with the evidence, with figures; `do` is what a person can do about it."""

    what: str
    do: str
