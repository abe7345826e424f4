"""Service levels and workloads as series of Prometheus: what is asked, and by which names it is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from muster.objectives.objective import Measure
from muster.objectives.openslo import WatchedLevel, read_watched
from muster.objectives.openslo.watched import NoSeries
from muster.system import SystemDefinition
from muster.system.metrics import Selector, selector

# What `muster monitor` exposes (muster.monitor.metrics): the words by which rules and dashboards know it.
MONITOR_REQUESTS = "muster_service_requests_total"
MONITOR_FAILURES = "muster_service_failures_total"

RATIO = "muster:bad:ratio"  # the share of what was bad, over the last 5 minutes, and with a lookback's name over that
BUDGET = "muster:error_budget_left:ratio"  # recorded over the whole period: 1 untouched, 0 spent, below 0 overspent
_DAYS_S = 86_400.0
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Watched:
    """A system as Prometheus sees it."""

    system: SystemDefinition

    @cached_property
    def _read(self) -> tuple[list[WatchedLevel], dict[str, str]]:
        path = self.system.openslo
        return ([], {}) if path is None else read_watched(path, self._counted)

    @property
    def levels(self) -> list[WatchedLevel]:
        """The service levels that it can tell of.

        Raises:
            UsageError: the OpenSLO file cannot be read or is wrong.
        """
        return self._read[0]

    @property
    def left_out(self) -> dict[str, str]:
        """Why it cannot tell of the others, by their name."""
        return self._read[1]

    @property
    def labels(self) -> dict[str, str]:
        """What every alert of the system bears."""
        return {"system": self.system.name, "namespace": self.system.namespace}

    def up(self, workload: str) -> str:
        """PromQL: 1 for each pod of a workload that could be scraped, 0 for one that could not."""
        return f'up{{namespace="{self.system.namespace}", workload="{workload}"}}'

    def of_pods(self, name: str) -> str:
        """A series that each pod exposes of its own process, of all pods that are scraped."""
        workloads = "|".join(sorted(self.system.metrics.targets)) if self.system.metrics else ""
        return f'{name}{{namespace="{self.system.namespace}", workload=~"{workloads}"}}'

    def of_monitor(self, name: str) -> str:
        """A series of the system's `muster monitor`."""
        return f'{name}{{system="{self.system.name}"}}'

    def _counted(self, measure: Measure, within_s: float | None) -> str | NoSeries:
        """The bad share of the requests of clients; where the system counts none, of those of `muster monitor`."""
        metrics, window = self.system.metrics, "[{{.window}}]"
        if measure == "availability":
            if metrics is None or metrics.requests is None or metrics.errors is None:
                bad, all_of = self.of_monitor(MONITOR_FAILURES), self.of_monitor(MONITOR_REQUESTS)
            else:
                bad, all_of = metrics.errors, metrics.requests
            # Where nothing failed yet there is no series of failures; where nobody asked there is no ratio.
            total = f"sum(increase({all_of}{window}))"
            return f"(sum(increase({bad}{window})) or 0 * {total}) / ({total} > 0)"
        if metrics is None or metrics.seconds is None:
            return NoSeries("system.yaml names no histogram of answers ('metrics.seconds')")
        assert within_s is not None
        timed = selector(metrics.seconds)
        fast, answers = f"increase({_fast(timed, within_s)}{window})", f"increase({timed.promql('_count')}{window})"
        if measure == "fast_answers" or metrics.requests is None:
            return f"1 - sum({fast}) / (sum({answers}) > 0)"
        return f"1 - sum({fast}) / (sum(increase({metrics.requests}{window})) > 0)"


def _fast(timed: Selector, within_s: float) -> str:
    """The bucket of answers within so many seconds, however its bound is written (1, 1.0)."""
    bound = f"{within_s:g}".replace(".", "[.]")
    return timed.promql("_bucket", f'le=~"{bound}{"" if "." in bound else "([.]0)?"}"')


def span(seconds: float) -> str:
    """Seconds as PromQL writes a duration: the largest unit that divides them."""
    whole = round(seconds)
    unit = next(unit for unit, size in _SECONDS.items() if whole % size == 0)
    return f"{whole // _SECONDS[unit]}{unit}"


def ratio(window: str) -> str:
    """The name under which the bad share over a lookback is recorded."""
    return f"{RATIO}{window}"


def bad_over(watched: Watched, level: WatchedLevel, seconds: float) -> str:
    """PromQL of the bad share over a lookback. One of days is the mean of what was recorded of five minutes each, which
    count alike then: to ask for every request of a month again and again would be too much for any Prometheus."""
    window = span(seconds)
    if seconds < _DAYS_S:
        return level.bad(window)
    return f"avg_over_time({of_level(watched, level, RATIO)}[{window}])"


def of_level(watched: Watched, level: WatchedLevel, name: str) -> str:
    """What is recorded of a service level under a name."""
    return f'{name}{{system="{watched.system.name}", slo="{level.name}"}}'
