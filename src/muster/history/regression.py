"""Whether a drill's RTO is worse than it ever was in the noise of earlier runs, whatever that noise looks like.

The rule assumes no distribution: if nothing changed, the latest of n + 1 runs is as likely as any other to be the
slowest, so that it is slower than all n earlier ones once in n + 1 times. From 20 earlier runs on that is less than one
in twenty, and a regression is told where the whole interval of the latest RTO lies above those of all of them (among 30
at most: a long past is not the present).

The unit is the run. Repetitions within a run (`--repeat`) share its hour, machine and cluster, so that any number of
them shows nothing of how runs differ; taken as so many runs they would make a regression of every busy evening. They
count by their median, which varies less than a single drill: runs are therefore compared by as many repetitions of each
as the run with the fewest has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from muster.history.facts import DrillFacts
from muster.history.trend import EARLIER_USED, Figure
from muster.verdict.conclusion.words import seconds

LEVEL = 0.05
# 1 / (n + 1) is below LEVEL from here on.
RUNS_NEEDED = 20


@dataclass(frozen=True, slots=True)
class Regression:
    """The latest run's RTO against those of `runs` earlier ones, in seconds.

    `found` is None where earlier runs are too few to tell, or the latest came to no verdict; `chance` is how likely a
    latest run so slow is where nothing changed (one-sided); `latest_s` is None where service never came back.
    """

    found: bool | None
    runs: int
    latest_s: float | None = None
    median_s: float | None = None
    max_s: float | None = None
    chance: float | None = None


def figures_by_run(runs: Sequence[DrillFacts]) -> list[Figure]:
    """A figure for each run of a drill that came to a verdict, oldest first: the median of its repetitions.

    A service that never came back took longer than anything that was measured, and no less than it was watched.
    """
    found: dict[str, list[Figure]] = {}
    for drill in runs:
        if drill.conclusive and (figure := _figure(drill)) is not None:
            found.setdefault(drill.run, []).append(figure)
    used = list(found.values())[-EARLIER_USED - 1 :]
    fewest = min(map(len, used), default=0)
    return [_middle(figures[:fewest]) for figures in used]


def _figure(drill: DrillFacts) -> Figure | None:
    if drill.rto_value_s is None:
        return Figure(math.inf, drill.rto_low_s, math.inf) if drill.rto_low_s else None
    high = drill.rto_high_s if drill.rto_high_s is not None else math.inf
    return Figure(drill.rto_value_s, drill.rto_value_s if drill.rto_low_s is None else drill.rto_low_s, high)


def _middle(figures: Sequence[Figure]) -> Figure:
    return Figure(*(median(getattr(figure, end) for figure in figures) for end in ("value", "low", "high")))


def regression(runs: Sequence[DrillFacts]) -> Regression:
    """Compare the latest run of a drill with the earlier ones, all in one scope, oldest first."""
    figures = figures_by_run(runs)
    if not figures or not any(drill.conclusive and drill.run == runs[-1].run for drill in runs):
        return Regression(None, len(figures))
    *earlier, latest = figures
    if not earlier:
        return Regression(None, 0, _finite(latest.value))
    # An interval that reaches into the latest's may be as slow: it is not counted as faster.
    faster = sum(1 for figure in earlier if figure.high < latest.low)
    chance = (len(earlier) - faster + 1) / (len(earlier) + 1)
    values = [figure.value for figure in earlier]
    found = chance < LEVEL if len(earlier) >= RUNS_NEEDED else None
    return Regression(found, len(earlier), _finite(latest.value), _finite(median(values)), _finite(max(values)), chance)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def regression_line(found: Regression) -> str:
    """`slower than each of 24 earlier runs: RTO 6.10 s after a median of 2.10 s and 2.60 s at most (by chance ...)`."""
    if found.found is None:
        return f"too few runs to tell a regression from noise ({found.runs} earlier, {RUNS_NEEDED} needed)"
    if not found.found:
        return f"no regression beyond the noise of {found.runs} earlier runs"
    latest = "service did not come back" if found.latest_s is None else f"RTO {seconds(found.latest_s)} s"
    usual = (
        ""
        if found.median_s is None or found.max_s is None
        else (f" after a median of {seconds(found.median_s)} s and {seconds(found.max_s)} s at most")
    )
    return f"slower than each of {found.runs} earlier runs: {latest}{usual} (by chance once in {found.runs + 1} times)"
