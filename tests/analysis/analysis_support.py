"""Looks at a release, told in a line."""

from __future__ import annotations

from collections.abc import Iterable

from muster.analysis import Decision, Latency, Look, Phase, Plan, Side, State, decide
from muster.system.release_analysis import ReleaseAnalysis

BOUNDS_S = (0.1, 0.5, 1.0, 5.0)
# One phase of ten minutes with a fifth of the traffic; looked at every ten seconds.
SHORT = Plan((Phase("canary", 0.2, 600.0),))
ERRORS = ReleaseAnalysis(latency=None, failed_agents=None, workflow_errors=None, cpu=None, memory=None)
LATENCY = ReleaseAnalysis(error_rate=None, failed_agents=None, workflow_errors=None, cpu=None, memory=None)


def side(requests: float | None = 0.0, failed: float | None = 0.0, **more: object) -> Side:
    """A version, by its counts since the phase began."""
    return Side(requests=requests, failed=failed, **more)  # type: ignore[arg-type]


def latencies(*upto: float) -> Latency:
    """A histogram by how many requests took up to each of `BOUNDS_S` at the most, and how many there are."""
    return Latency(count=upto[-1], bounds_s=BOUNDS_S, at_most=upto[:-1])


def look(at_s: float, canary: Side, stable: Side | None = None, *, phase: str = "canary", share: float = 0.2) -> Look:
    """A look, beside a stable version that is well unless it is given."""
    return Look(at_s=at_s, phase=phase, share=share, canary=canary, stable=stable or side(100 * at_s, 0.0))


def played(
    looks: Iterable[Look], settings: ReleaseAnalysis = ERRORS, plan: Plan = SHORT
) -> tuple[list[Decision], State]:
    """The decision after each look, whatever it is, and what is known at the end."""
    found, state = list[Decision](), State()
    for one in looks:
        decision, state = decide(one, state, plan, settings)
        found.append(decision)
    return found, state
