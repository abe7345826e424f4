"""Who looks at a release: muster's analysis, and rules with fixed thresholds as other controllers have them.

The figures of the others are from their documentation. Flagger (docs.flagger.app, "How it works" and "Metrics
Analysis"): `interval: 1m`, `threshold: 10` failed checks in all, `maxWeight: 50`, `stepWeight: 5`,
`request-success-rate` of 99 % at least, `request-duration` (P99) of 500 ms at most; a check without values counts as
failed, a failed check halts the advance, and the release is rolled back at the interval after the threshold was
reached. Argo Rollouts (argo-rollouts.readthedocs.io, "Analysis & Progressive Delivery"): `interval: 5m`,
`successCondition: result[0] >= 0.95`, `failureLimit: 3` in its example, 0 where none is given, measurements that may
fail before the analysis has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np

from bench.releases.world import BOUNDS_S, TICK_S, Counts, Had, Tick
from muster.analysis import PLAN, Action, Counted, Latency, Look, Phase, Side, State, Value, decide
from muster.system.release_analysis import ReleaseAnalysis

SETTINGS = ReleaseAnalysis().without("failed_agents", "workflow_errors", "cpu")
FLAGGERS_OWN = tuple(Phase(f"{percent} %", percent / 100, 60.0) for percent in range(5, 55, 5))


class End(Enum):
    """How a release ended."""

    ABORTED = "aborted"
    PROMOTED = "promoted"


class Rule:
    """A way to go through phases. A subclass says at each tick whether the release goes on in its phase."""

    beside_stable = False  # whether it looks at stable as well

    def __init__(self, phases: Sequence[Phase] = PLAN.phases) -> None:
        self._phases = list(phases)

    @property
    def share(self) -> float:
        """What canary has of the traffic."""
        return self._phases[0].share

    def see(self, tick: Tick) -> End | None:
        """Look at what a tick brought; the end, where it brings it."""
        raise NotImplementedError

    def _next(self) -> End | None:
        if len(self._phases) == 1:
            return End.PROMOTED
        self._phases.pop(0)
        return None


class Muster(Rule):
    """The analysis of `muster.analysis`, with its own settings."""

    beside_stable = True

    def __init__(self, settings: ReleaseAnalysis = SETTINGS) -> None:
        super().__init__()
        self._settings, self._state = settings, State()
        self._begin()

    def _begin(self) -> None:
        self._at_s = 0.0
        self._stable, self._canary = _Counters(), _Counters()

    def see(self, tick: Tick) -> End | None:
        """Look at both side by side."""
        assert tick.stable is not None
        assert tick.canary is not None
        self._at_s += TICK_S
        phase = self._phases[0]
        look = Look(
            at_s=self._at_s,
            phase=phase.name,
            share=phase.share,
            stable=self._stable.side(tick.stable),
            canary=self._canary.side(tick.canary),
        )
        decision, self._state = decide(look, self._state, PLAN, self._settings)
        if decision.action is Action.ROLL_BACK:
            return End.ABORTED
        if decision.action is not Action.PROMOTE:
            return None
        self._begin()
        return self._next()


class _Counters:
    """The counters of one version, since the phase began or its pods were started again."""

    def __init__(self) -> None:
        self._counts = np.zeros(4)
        self._latencies = np.zeros(len(BOUNDS_S) + 1)

    def side(self, had: Had) -> Side:
        """What is read of them after a tick."""
        if had.restarted:
            self.__init__()  # type: ignore[misc]
        self._counts += had.requests, had.failed, had.search, had.search_failed
        self._latencies += had.latencies
        requests, failed, search, search_failed = self._counts.tolist()
        upto = tuple(np.cumsum(self._latencies).tolist())
        return Side(
            requests=requests,
            failed=failed,
            latency=Latency(count=upto[-1], bounds_s=BOUNDS_S, at_most=upto[:-1]),
            kinds={
                "rest": Counted(requests=requests - search, failed=failed - search_failed),
                "search": Counted(requests=search, failed=search_failed),
            },
            memory=Value(value=had.memory),
        )


class Fixed(Rule):
    """Every `interval_s` seconds canary's last interval is checked; after `threshold` failed checks it is aborted.

    `halts`: a failed check does not count as baked, and what it says is acted on one interval later, as Flagger does.
    """

    def __init__(
        self,
        *,
        interval_s: float,
        threshold: int,
        passes: Callable[[float, float, Counts], bool],
        halts: bool = False,
        phases: Sequence[Phase] = PLAN.phases,
    ) -> None:
        super().__init__(phases)
        self._passes, self._threshold, self._halts = passes, threshold, halts
        self._every = round(interval_s / TICK_S)
        self._interval_s = interval_s
        self._seen: deque[Had] = deque(maxlen=self._every)
        self._ticks = self._failed = 0
        self._baked_s = 0.0

    def see(self, tick: Tick) -> End | None:
        """Check once in an interval."""
        assert tick.canary is not None
        self._seen.append(tick.canary)
        self._ticks += 1
        if self._ticks % self._every:
            return None
        if self._halts and self._failed >= self._threshold:
            return End.ABORTED
        requests = sum(had.requests for had in self._seen)
        failed = sum(had.failed for had in self._seen)
        well = self._passes(requests, failed, np.sum([had.latencies for had in self._seen], axis=0))
        self._failed += not well
        if not self._halts and self._failed >= self._threshold:
            return End.ABORTED
        if well or not self._halts:
            self._baked_s += self._interval_s
        if self._baked_s < self._phases[0].bake_s:
            return None
        self._baked_s = 0.0
        return self._next()


def quantile(counts: Counts, ratio: float) -> float:
    """A quantile in seconds as Prometheus' `histogram_quantile` reckons it: linear within a bucket."""
    rank, upto = ratio * counts.sum(), np.cumsum(counts)
    place = int(np.searchsorted(upto, rank))
    if place >= len(BOUNDS_S):
        return BOUNDS_S[-1]
    low = BOUNDS_S[place - 1] if place else 0.0
    before = upto[place - 1] if place else 0
    return low + (BOUNDS_S[place] - low) * float((rank - before) / max(counts[place], 1))


def _flagger(requests: float, failed: float, latencies: Counts) -> bool:
    return bool(requests and (requests - failed) / requests >= 0.99 and quantile(latencies, 0.99) <= 0.5)


def _argo(requests: float, failed: float, latencies: Counts) -> bool:
    return bool(requests and (requests - failed) / requests >= 0.95)


def _limits(requests: float, failed: float, latencies: Counts) -> bool:
    return bool(requests and failed / requests <= 0.005 and quantile(latencies, 0.95) <= 1.0)


RULES: dict[str, Callable[[], Rule]] = {
    "muster": Muster,
    "Flagger": lambda: Fixed(interval_s=60, threshold=10, passes=_flagger, halts=True),
    "Flagger, its own steps": lambda: Fixed(
        interval_s=60, threshold=10, passes=_flagger, halts=True, phases=FLAGGERS_OWN
    ),
    "Argo Rollouts": lambda: Fixed(interval_s=300, threshold=4, passes=_argo),
    "Argo Rollouts, failureLimit 0": lambda: Fixed(interval_s=300, threshold=1, passes=_argo),
    "muster's limits, one bad minute": lambda: Fixed(interval_s=60, threshold=1, passes=_limits),
}
