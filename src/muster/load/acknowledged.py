"""What the service acknowledged to a load, by name: so that the load can prove what of it is gone."""

from __future__ import annotations

from collections.abc import Hashable

REMEMBERED = 200_000  # the latest of them; whoever reads older ones proves nothing by that


class Acknowledged:
    """When each thing was acknowledged last (CLOCK_MONOTONIC seconds)."""

    def __init__(self) -> None:
        self._at: dict[Hashable, float] = {}

    def add(self, identity: Hashable, at: float) -> None:
        """Take in that it was acknowledged; one that was before is known by its latest acknowledgement."""
        self._at.pop(identity, None)
        self._at[identity] = at
        if len(self._at) > REMEMBERED:
            del self._at[next(iter(self._at))]

    def remove(self, identity: Hashable) -> None:
        """From now on it may be gone; that it never was acknowledged is no error."""
        self._at.pop(identity, None)

    def before(self, identity: Hashable, moment: float) -> float | None:
        """When it was acknowledged; None where it was not, or may be gone, or was acknowledged after `moment`."""
        at = self._at.get(identity)
        return at if at is not None and at <= moment else None
