"""A wait that says what it waits for, while it does."""

from __future__ import annotations

from collections.abc import Callable

from muster.base.clock import Clock
from muster.base.errors import ClusterError

QUIET_S = 3.0  # what takes effect sooner is not worth a word
SAY_EVERY_S = 3.0


class Waiting:
    """Looks, and where that does not come true for a while tells what is missing, whenever that is another thing."""

    def __init__(
        self, look: Callable[[], bool], missing: Callable[[], str], tell: Callable[[str], None], clock: Clock
    ) -> None:
        self._look, self._missing, self._tell, self._clock = look, missing, tell, clock
        self._due = clock.now() + QUIET_S
        self._said = ""

    def look(self) -> bool:
        """Whether it has come true."""
        if self._look():
            return True
        if self._clock.now() >= self._due:
            self._due = self._clock.now() + SAY_EVERY_S
            what = self.latest()
            if what and what != self._said:
                self._said = what
                self._tell(what)
        return False

    def latest(self) -> str:
        """What is missing now, or that it cannot be told."""
        try:
            return self._missing()
        except ClusterError as error:
            return f"what is missing cannot be told: {error}"
