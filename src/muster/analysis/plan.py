"""The phases of a release: how much of the traffic goes to canary, and for how long it is watched there."""

from __future__ import annotations

from dataclasses import dataclass

from muster.base.errors import UsageError


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase in which canary has `share` (0 to 1) of the traffic, for `bake_s` seconds."""

    name: str
    share: float
    bake_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Phases, in their order."""

    phases: tuple[Phase, ...]

    def phase(self, name: str) -> Phase:
        """The phase of that name.

        Raises:
            UsageError: there is none.
        """
        found = next((phase for phase in self.phases if phase.name == name), None)
        if found is None:
            there = ", ".join(phase.name for phase in self.phases)
            raise UsageError(f"phase '{name}' is not in the plan of the release (there are: {there})")
        return found


PLAN = Plan(
    (
        Phase("canary", 0.05, 1800.0),
        Phase("grow", 0.20, 2700.0),
        Phase("half", 0.50, 1800.0),
        Phase("switch", 1.0, 900.0),
    )
)
