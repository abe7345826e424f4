"""Many releases under each rule."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench.releases.rules import RULES, End
from bench.releases.world import BAD, GOOD, LONGEST_TICKS, Quality, Tick, World

RATES = (5.0, 50.0, 1000.0)
# What users have of a release counts until the plan would have ended, whichever rule is faster.
HORIZON_S = 7200.0
GOOD_ONES, EACH_BAD = 400, 50


@dataclass(frozen=True, slots=True)
class Release:
    """A release to be simulated: its quality, the traffic in requests/s, and the seed of its noise."""

    quality: Quality
    rate: float
    seed: int


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a release under a rule: `caught_s` seconds after it was bad first, if it was aborted; `hurt` are
    the requests that it has failed, or made slower than a second."""

    rule: str
    quality: str
    good: bool
    rate: float
    aborted: bool
    caught_s: float | None
    hurt: float


def planned(good: int = GOOD_ONES, each_bad: int = EACH_BAD, *, seed: int = 0) -> list[Release]:
    """So many good releases and of each kind of bad ones, spread over the rates of traffic."""
    qualities = [GOOD] * good + [quality for quality in BAD for _ in range(each_bad)]
    return [
        Release(quality, RATES[number % len(RATES)], seed * 1_000_003 + number)
        for number, quality in enumerate(qualities)
    ]


def simulated(releases: Sequence[Release], rules: Sequence[str] = tuple(RULES), *, processes: int = 0) -> list[Told]:
    """What becomes of each release under each rule, in as many processes as there are processors, or as is said."""
    jobs = [(release, tuple(rules)) for release in releases]
    if processes == 1:
        return [told for job in jobs for told in _of(job)]
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        return [told for found in pool.map(_of, jobs, chunksize=5) for told in found]


def _of(job: tuple[Release, tuple[str, ...]]) -> list[Told]:
    """A release under each rule. Rules that give canary the same traffic all the while see the same world."""
    release, names = job
    left, found = list(names), list[Told]()
    while left:
        told, apart = _together(release, left)
        found += told
        left = apart
    return found


class _Run:
    """A release under one rule, so far."""

    def __init__(self, name: str) -> None:
        self.name, self._rule = name, RULES[name]()
        self.end: End | None = None
        self.caught_s: float | None = None
        self.hurt = 0.0

    @property
    def beside_stable(self) -> bool:
        """Whether the rule looks at stable as well."""
        return self._rule.beside_stable

    @property
    def share(self) -> float:
        """What the release has of the traffic."""
        return {None: self._rule.share, End.PROMOTED: 1.0, End.ABORTED: 0.0}[self.end]

    def see(self, tick: Tick, world: World) -> None:
        """A tick more."""
        if world.now_s <= HORIZON_S:
            self.hurt += tick.hurt
        if self.end is None:
            self.end = self._rule.see(tick)
            if self.end is End.ABORTED and world.bad_since_s is not None:
                self.caught_s = world.now_s - world.bad_since_s


def _together(release: Release, names: Sequence[str]) -> tuple[list[Told], list[str]]:
    """What becomes of the release under the first rule and all that go its way; and which rules went another one."""
    world = World(release.quality, release.rate, release.seed)
    runs, apart = [_Run(name) for name in names], list[str]()
    while live := [run for run in runs if run.end is None or (run.share and world.now_s < HORIZON_S)]:
        if world.ticks >= LONGEST_TICKS:
            break
        share = live[0].share
        strayed = [run for run in live if run.share != share]
        apart += [run.name for run in strayed]
        runs = [run for run in runs if run not in strayed]
        looking = [run for run in live if run.end is None and run not in strayed]
        tick = world.tick(share, canary=bool(looking), stable=any(run.beside_stable for run in looking))
        for run in live:
            if run not in strayed:
                run.see(tick, world)
    quality, rate = release.quality, release.rate
    return [
        Told(run.name, quality.name, quality.good, rate, run.end is End.ABORTED, run.caught_s, run.hurt) for run in runs
    ], apart
