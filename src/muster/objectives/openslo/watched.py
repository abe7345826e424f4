"""Service levels as a Prometheus watches them: of either type of metric, with the alerts on how fast a budget burns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muster.objectives.objective import Measure
from muster.objectives.openslo.alerts import alerts_of, severities_of
from muster.objectives.openslo.metrics import meant, threshold_s
from muster.objectives.openslo.objects import Objects, Placed
from muster.objectives.openslo.schema import SloSpec, seconds
from muster.objectives.openslo.series import WINDOW, levels_of, not_counted
from muster.objectives.openslo.translate import names_of

HOUR_S = 3600.0
PAGES = ("page", "critical")
# What is alerted on where a service level names no policy: burn rate, lookbacks, severity. The long lookback says that
# much was burnt, the short one that it goes on (Google SRE workbook, "Alerting on SLOs", table 5-8).
WORKBOOK = ((14.4, (HOUR_S, 300.0), "P1"), (6.0, (6 * HOUR_S, 1800.0), "P2"), (1.0, (72 * HOUR_S, 6 * HOUR_S), "P3"))

# PromQL of the bad share of a measure over WINDOW, given the seconds within which an answer is fast; or why there is
# none.
Counting = Callable[[Measure, float | None], "str | NoSeries"]


@dataclass(frozen=True, slots=True)
class NoSeries:
    """There is no series for it, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class PagingAlert:
    """Fires while the burn rate over each of `lookbacks_s` (seconds, the longest first) has been above `threshold` for
    `after_s` seconds; `severity` is P1 to P4."""

    name: str
    threshold: float
    lookbacks_s: tuple[float, ...]
    after_s: float
    severity: str


@dataclass(frozen=True, slots=True)
class WatchedLevel:
    """A service level: `target` is the ratio that must be good over `period_s` seconds (None where nothing is said)."""

    name: str
    title: str
    target: float
    period_s: float | None
    alerts: tuple[PagingAlert, ...]
    _bad: str

    def bad(self, window: str) -> str:
        """PromQL for the ratio of what was bad over the last `window`, such as 5m."""
        return self._bad.replace(WINDOW, window)


def read_watched(path: Path, counting: Counting) -> tuple[list[WatchedLevel], dict[str, str]]:
    """The service levels of an OpenSLO v1 file that a Prometheus can watch, and why of the others by their name.

    Raises:
        UsageError: the file cannot be read or is wrong; one sentence with file, document, line and key.
    """
    objects = Objects.read(path)
    watched, left_out = list[WatchedLevel](), dict[str, str]()
    for slo in objects.all("SLO"):
        spec = slo.spec(SloSpec)
        if why := not_counted(spec):
            left_out.update(dict.fromkeys(names_of(slo, spec), why))
            continue
        for name, target, bad in _bad_shares(objects, slo, spec, counting):
            if isinstance(bad, NoSeries):
                left_out[name] = bad.why
            else:
                period_s = seconds(spec.time_window[0].duration) if spec.time_window else None
                title = slo.metadata.display_name or name
                alerts = tuple(_alerts(objects, slo, spec, 1 - target))
                watched.append(WatchedLevel(name, title, target, period_s, alerts, bad))
    return watched, left_out


def _bad_shares(
    objects: Objects, slo: Placed, spec: SloSpec, counting: Counting
) -> list[tuple[str, float, str | NoSeries]]:
    """Each objective of a service level: its name, its target, and the share that is bad."""
    if known := levels_of(objects, slo, spec):
        return [(one.name, one.target, one.bad(WINDOW)) for one in known]
    where = ("spec",) if spec.indicator_ref else ("spec", "indicator")
    meaning = meant(objects, objects.entered("SLI", spec.indicator, spec.indicator_ref, slo, where))
    shares = list[tuple[str, float, str | NoSeries]]()
    for place, (name, target) in enumerate(zip(names_of(slo, spec), spec.objectives, strict=True)):
        if isinstance(meaning, str):
            shares.append((name, target.ratio, NoSeries("its metric is neither muster's nor Prometheus'")))
        elif meaning.requests:
            shares.append((name, target.ratio, NoSeries("it counts requests by the names that a load gives them")))
        else:
            within_s = threshold_s(meaning, target, slo, ("spec", "objectives", place))
            shares.append((name, target.ratio, counting(meaning.measure, within_s)))
    return shares


def _alerts(objects: Objects, slo: Placed, spec: SloSpec, allowed: float) -> list[PagingAlert]:
    """The alerts that a service level names, or the workbook's; none that could never fire."""
    named, _ = alerts_of(objects, slo, spec)
    severities = severities_of(objects, slo, spec)
    found = [
        PagingAlert(
            one.name,
            one.threshold,
            one.lookbacks_s,
            one.alert_after_s,
            _severity(severities[one.name], one.lookbacks_s),
        )
        for one in named
    ]
    if not spec.alert_policies:
        found = [PagingAlert(f"burns-{rate:g}-times", rate, windows, 0.0, level) for rate, windows, level in WORKBOOK]
    return [one for one in found if one.threshold * allowed < 1 - 1e-9]


def _severity(said: str, lookbacks_s: tuple[float, ...]) -> str:
    """P1 to P4 as it stands there; else what pages somebody is P1 where it burns within an hour, and the rest P3."""
    if said.upper() in ("P1", "P2", "P3", "P4"):
        return said.upper()
    if said.lower() in PAGES:
        return "P1" if lookbacks_s[0] <= HOUR_S else "P2"
    return "P3"
