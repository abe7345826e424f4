"""What stands beside a thing for the version that is being released is called so."""

from __future__ import annotations

import hashlib

SUFFIX = "-canary"
LONGEST = 63  # of a label's value, and of a Service's name
TOLD_APART = 8  # characters by which names that are too long are told apart


def beside(name: str) -> str:
    """What is called so for the new version, beside what `name` is: never that itself, and no other's."""
    if len(name) + len(SUFFIX) <= LONGEST:
        return f"{name}{SUFFIX}"
    told = hashlib.sha256(name.encode()).hexdigest()[:TOLD_APART]
    return f"{name[: LONGEST - len(SUFFIX) - TOLD_APART - 1].rstrip('-.')}-{told}{SUFFIX}"
