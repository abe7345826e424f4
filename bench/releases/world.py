"""A service under traffic while a release of known quality takes its share of it, ten seconds at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

TICK_S = 10.0
# The plan takes 120 minutes; who holds or halts takes longer.
LONGEST_TICKS = 1440
BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MEDIAN_S, SIGMA = 0.08, 0.6  # of latencies, log-normal: P95 0.21 s, P99 0.32 s
SEARCH = 0.02  # the part of the traffic that is of a kind of its own
MEMORY = 0.4  # of its limit, where nothing leaks
TOO_SLOW_S = 1.0
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quality:
    """What a release does: the ratio of requests that it makes fail, by how much it is slower, what it leaks.

    `search` is the ratio of failures among the requests of one kind alone; `leak` the share of memory that is lost a
    minute; it is bad only `after_s` seconds, and only `from_share` of the traffic on.
    """

    name: str
    fails: float = 0.0
    slower: float = 1.0
    search: float = 0.0
    leak: float = 0.0
    after_s: float = 0.0
    from_share: float = 0.0

    @property
    def good(self) -> bool:
        """Whether it is as the version before."""
        return not (self.fails or self.search or self.leak) and self.slower == 1


GOOD = Quality("as good as stable")
BAD = (
    Quality("every request fails", fails=1.0),
    Quality("20 % fail", fails=0.2),
    Quality("5 % fail", fails=0.05),
    Quality("2 % fail", fails=0.02),
    Quality("1 % fail", fails=0.01),
    Quality("5 times as slow", slower=5.0),
    Quality("2 times as slow", slower=2.0),
    Quality("1.2 times as slow", slower=1.2),
    Quality("25 % of one kind fail, which is 2 % of all", search=0.25),
    Quality("leaks 2 % of its memory a minute", leak=0.02),
    Quality("5 % fail, after 20 min", fails=0.05, after_s=1200.0),
    Quality("5 % fail, from half of the traffic on", fails=0.05, from_share=0.5),
)


@dataclass(frozen=True, slots=True)
class Had:
    """What one version had in a tick: requests and failed ones, those of the one kind, and how many latencies fall
    below each bound, the last being without one."""

    requests: int
    failed: int
    search: int
    search_failed: int
    latencies: Counts
    memory: float
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """What both had in a tick, as far as somebody looks, and how many of the requests the release has failed, or made
    slower than a second."""

    stable: Had | None
    canary: Had | None
    hurt: float


class World:
    """Traffic of so many requests/s and its noise, by a seed, and the release in it.

    Noise is what strikes a good release too: bursts of a few seconds in which some or all requests of both versions
    fail, moments in which those of one pod do, hours in which all is slow, and traffic that comes and goes.
    """

    def __init__(self, quality: Quality, rate: float, seed: int) -> None:
        self._quality, self._rng = quality, np.random.default_rng(seed)
        rng = self._rng
        self._base = float(rng.choice([0.0002, 0.001]))
        come = rate * TICK_S * np.exp(rng.normal(0, 0.1, LONGEST_TICKS)) * (1 + 0.3 * np.sin(_hours(rng)))
        self._requests = rng.poisson(come).tolist()
        self._burst = np.zeros(LONGEST_TICKS)
        self._blip: dict[int, tuple[bool, float]] = {}
        self._slow = np.ones(LONGEST_TICKS)
        for start in _times(rng, every_s=1200.0):
            _strike(self._burst, start, float(rng.uniform(1, 15)), float(rng.choice([0.1, 0.5, 1.0])))
        for start in _times(rng, every_s=3600.0):
            self._blip[int(start // TICK_S)] = bool(rng.random() < 0.5), float(rng.uniform(0.02, 0.1))
        for start in _times(rng, every_s=3600.0):
            first = int(start // TICK_S)
            self._slow[first : first + int(rng.integers(12, 60))] = float(rng.choice([1.25, 1.5, 2.0]))
        self._memory = MEMORY
        self._down = 0  # ticks until pods that have run out of memory are there again
        self.ticks = 0
        self.bad_since_s: float | None = None

    @property
    def now_s(self) -> float:
        """Seconds since the release began."""
        return self.ticks * TICK_S

    def tick(self, share: float, *, canary: bool = True, stable: bool = True) -> Tick:
        """The next ten seconds, in which canary has so much of the traffic; what nobody looks at is not made up."""
        at, rng = self.ticks, self._rng
        bad = self.now_s >= self._quality.after_s and share >= self._quality.from_share and not self._quality.good
        if bad and self.bad_since_s is None:
            self.bad_since_s = self.now_s
        restarted = self._leaks()
        self.ticks += 1
        requests = self._requests[at]
        mine = int(rng.binomial(requests, share))
        own, blip = self._blip.get(at, (None, 0.0))
        usual = 1 - (1 - self._base) * (1 - float(self._burst[at]))
        hit = usual if own is not True else 1 - (1 - usual) * (1 - blip)
        added = (self._quality.fails if bad else 0.0) + (0.5 if self._down else 0.0)
        fails = 1 - (1 - hit) * (1 - min(added, 1.0))
        search = fails if not bad else 1 - (1 - fails) * (1 - self._quality.search)
        slow = float(self._slow[at])
        slower = slow * (self._quality.slower if bad else 1.0)
        beside = usual if own is not False else 1 - (1 - usual) * (1 - blip)
        failed = (1 - SEARCH) * fails + SEARCH * search - hit
        return Tick(
            self._had(requests - mine, beside, beside, slow, memory=MEMORY) if stable else None,
            self._had(mine, fails, search, slower, memory=self._memory, restarted=restarted) if canary else None,
            mine * (failed + _too_slow(slower) - _too_slow(slow)),
        )

    def _leaks(self) -> bool:
        """Whether canary's pods were ended for their memory just now."""
        self._down = max(0, self._down - 1)
        self._memory += self._quality.leak * TICK_S / 60
        if self._memory < 1:
            return False
        self._memory, self._down = MEMORY, 3
        return True

    def _had(
        self, requests: int, fails: float, search_fails: float, slow: float, *, memory: float, restarted: bool = False
    ) -> Had:
        rng = self._rng
        search = int(rng.binomial(requests, SEARCH))
        search_failed = int(rng.binomial(search, search_fails))
        failed = search_failed + int(rng.binomial(requests - search, fails))
        latencies = rng.multinomial(requests, _parts(slow))
        seen = memory + float(rng.normal(0, 0.01))
        return Had(requests, failed, search, search_failed, latencies, seen, restarted)


def _hours(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return rng.uniform(0, 2 * math.pi) + 2 * math.pi * np.arange(LONGEST_TICKS) * TICK_S / 7200


def _times(rng: np.random.Generator, every_s: float) -> list[float]:
    """Moments that come by chance, every so many seconds in the mean."""
    found, at = list[float](), float(rng.exponential(every_s))
    while at < LONGEST_TICKS * TICK_S:
        found.append(at)
        at += float(rng.exponential(every_s))
    return found


def _strike(ticks: npt.NDArray[np.float64], start_s: float, lasts_s: float, ratio: float) -> None:
    """A burst: `ratio` of the requests fail while it lasts, told to each tick by how much of it is covered."""
    for tick in range(int(start_s // TICK_S), min(len(ticks), int((start_s + lasts_s) // TICK_S) + 1)):
        covered = min(start_s + lasts_s, (tick + 1) * TICK_S) - max(start_s, tick * TICK_S)
        ticks[tick] = min(1.0, ticks[tick] + ratio * covered / TICK_S)


@cache
def _parts(slow: float) -> npt.NDArray[np.float64]:
    """How latencies fall between the bounds, all `slow` times as long."""
    normal = NormalDist(math.log(MEDIAN_S * slow), SIGMA)
    upto = [0.0, *(normal.cdf(math.log(bound)) for bound in BOUNDS_S), 1.0]
    return np.diff(np.array(upto))


@cache
def _too_slow(slow: float) -> float:
    return 1 - NormalDist(math.log(MEDIAN_S * slow), SIGMA).cdf(math.log(TOO_SLOW_S))
