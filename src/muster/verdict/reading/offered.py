"""What loads were to ask for over time: steps, and straight lines between rates."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class _Change:
    """From `at` on the rate goes from `before` to `rate` (requests/s), evenly over `over_s` seconds."""

    at: float
    before: float
    rate: float
    over_s: float
    wanted: float  # requests from the beginning up to `at`

    def until(self, moment: float) -> float:
        """How many requests this change wants from `at` to `moment`."""
        ramp = min(moment - self.at, self.over_s)
        reached = self.before + (self.rate - self.before) * ramp / self.over_s if self.over_s else self.rate
        return ramp * (self.before + reached) / 2 + (moment - self.at - ramp) * self.rate


@dataclass
class Offered:
    """The rate that a load was to run at, told in order of time. Times are CLOCK_MONOTONIC seconds."""

    _changes: list[_Change] = field(default_factory=list)

    def change(self, at: float, rate: float, over_s: float = 0.0) -> None:
        """Take in that from `at` on the rate went to `rate`, over so many seconds."""
        before = self.rate_at(at) if self._changes else rate
        self._changes.append(_Change(at, before, rate, over_s, self._until(at) if self._changes else 0.0))

    def rate_at(self, moment: float) -> float:
        """The rate wanted at a moment, in requests/s; 0 before there was any."""
        change = self._last(moment)
        if change is None:
            return 0.0
        share = min((moment - change.at) / change.over_s, 1.0) if change.over_s else 1.0
        return change.before + (change.rate - change.before) * share

    def wanted(self, start: float, end: float) -> float:
        """How many requests it was to ask for in [start, end)."""
        return self._until(end) - self._until(start)

    @property
    def slowest(self) -> float:
        """The lowest rate that was set, in requests/s; 0 where none was. That it ended at last is none."""
        return min((change.rate for change in self._changes if change.rate), default=0.0)

    def _until(self, moment: float) -> float:
        change = self._last(moment)
        if change is not None:
            return change.wanted + change.until(moment)
        # A load that should have run already was as much missed then as later.
        first = self._changes[0] if self._changes else None
        return 0.0 if first is None else (moment - first.at) * first.rate

    def _last(self, moment: float) -> _Change | None:
        at = bisect_right(self._changes, moment, key=lambda change: change.at)
        return self._changes[at - 1] if at else None


@dataclass
class AllOffered:
    """What all loads of a drill were to ask for together, each known by its name."""

    _loads: dict[str, Offered] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)

    def change(self, load: str, at: float, rate: float, over_s: float = 0.0) -> None:
        """Take in that from `at` on the rate of a load went to `rate`, over so many seconds."""
        self._running.add(load)
        self._loads.setdefault(load, Offered()).change(at, rate, over_s)

    def stop(self, load: str, at: float) -> bool:
        """Take in that a load stopped; returns whether it was the last that ran."""
        self._running.discard(load)
        # What the last one leaves undone by ending too early is not what was wanted.
        if self._running and load in self._loads:
            self._loads[load].change(at, 0.0)
        return not self._running

    def wanted(self, start: float, end: float) -> float:
        """How many requests they were to ask for in [start, end)."""
        return sum(load.wanted(start, end) for load in self._loads.values())

    @property
    def slowest(self) -> float:
        """A rate in requests/s below which they never went while all of them ran; 0 where there was none."""
        return max((load.slowest for load in self._loads.values()), default=0.0)
