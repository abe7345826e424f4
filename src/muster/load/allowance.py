"""What the loads of one drill may send together: the ceiling of the system, and what each of them claims of it.

Each load has a file with the highest rate that it may come to want; the sum of them never passes the ceiling. Whoever
claims more holds a lock on their directory, so that two who claim at once cannot both have the last of it.
"""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muster.load.stages import check_rate

SUFFIX = ".claim"


class Allowance:
    """One load's part in the ceiling (requests/s); of a load without a file it is all of it."""

    def __init__(self, claim: Path | None, ceiling: float) -> None:
        """`claim` is this load's file, beside those of the drill's other loads; no ceiling at all is infinity."""
        self.ceiling = ceiling
        self._file = claim

    def claim(self, rate: float, *, of: str = "a load") -> None:
        """Claim `rate`, in place of what was claimed before; `of` is what an error says of it.

        Raises:
            UsageError: with what the others claim that is above the ceiling; the claim stays as it was.
        """
        with self._locked():
            self._write(rate, of)

    def claim_at_least(self, rate: float) -> None:
        """Claim `rate`, unless more is claimed already.

        Raises:
            UsageError: with what the others claim that is above the ceiling; the claim stays as it was.
        """
        with self._locked():
            mine, _ = self._claims()
            self._write(max(rate, mine), "a load")

    def limit(self) -> float:
        """How many requests/s this load may send at most, to catch up: its claim, and its share of what nobody claims.

        So the limits of all loads of a drill add up to the ceiling.
        """
        mine, others = self._claims()
        return mine + max(self.ceiling - mine - sum(others), 0.0) / (1 + len(others))

    def release(self) -> None:
        """Claim nothing any more; may be called again."""
        if self._file:
            self._file.unlink(missing_ok=True)

    def _write(self, rate: float, of: str) -> None:
        check_rate(rate, self.ceiling, of=of, others=sum(self._claims()[1]))
        if self._file:
            # Replaced in one step, as others read it without the lock; nothing needs it after a crash.
            fresh = self._file.with_suffix(f".{os.getpid()}.new")
            fresh.write_text(repr(rate))
            fresh.replace(self._file)

    def _claims(self) -> tuple[float, list[float]]:
        """What this load claims, and what the others do."""
        if not self._file:
            return 0.0, []
        mine, others = 0.0, []
        for path in self._file.parent.glob(f"*{SUFFIX}"):
            try:
                claimed = float(path.read_text())
            except FileNotFoundError:
                continue  # released just now
            if path.name == self._file.name:
                mine = claimed
            else:
                others.append(claimed)
        return mine, others

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._file:
            yield
            return
        directory = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            # Not left to the closing: under gevent that comes later, and the next claim of this process waits for it.
            fcntl.flock(directory, fcntl.LOCK_UN)
            os.close(directory)


def ceiling_of(option: float) -> float:
    """The ceiling that an option --ceiling names, where 0 stands for none."""
    return option or math.inf
