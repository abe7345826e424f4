"""What every kind of replicated database tells, and what is concluded from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Instance:
    """One instance as the database's own tools tell of it; `lag` is how far a standby is behind, None where that is not
    told, and `late` whether it is farther behind than system.yaml allows."""

    name: str
    primary: bool
    well: bool
    state: str = ""  # in the words of whoever tells
    lag: str | None = None
    behind: float = 0.0  # to compare standbys with each other
    late: bool = False


class Replicated(Protocol):
    """A replicated database that can be asked."""

    def instances(self) -> list[Instance]:
        """Every instance that is known, the lost ones as well.

        Raises:
            ClusterError, UsageError: nobody answers.
        """


@runtime_checkable
class Promotes(Replicated, Protocol):
    """One that makes a standby the primary when it is told to, and sees itself to it that there are never two."""

    changes: Sequence[str]  # objects (`Kind/name`) that clients rely on and that a promotion leads elsewhere

    def promote(self, instance: str) -> str:
        """Have an instance made the primary; returns what was done, one line. Does not wait for that to be through.

        Raises:
            RefusedError: it was refused.
            ClusterError: nobody answers.
        """


def primaries_of(instances: Sequence[Instance]) -> list[str]:
    """The instances that are primary and well, sorted."""
    return sorted(one.name for one in instances if one.primary and one.well)


def trouble_of(instances: Sequence[Instance]) -> str | None:
    """Why replication is not as it should be: one primary, every other instance well and not too far behind."""
    primaries = primaries_of(instances)
    if len(primaries) != 1:
        return f"{len(primaries)} primaries ({', '.join(primaries) or 'none'}), want 1"
    for one in instances:
        if not one.well:
            return f"instance {one.name} is not well: {one.state or 'it does not say why'}"
        if one.late:
            return f"standby {one.name} is {one.lag} behind"
    return None
