"""How fast the error budgets of service levels burn, as the system's Prometheus knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from muster.base.errors import ClusterError
from muster.monitoring import Asking, MonitoringError, check_token, values
from muster.objectives.openslo import SeriesLevel, read_series
from muster.system import SystemDefinition

# The windows of alerts on several of them (Google SRE workbook, "Alerting on SLOs", 6).
WINDOWS = ("5m", "30m", "1h", "6h", "3d")
T = TypeVar("T")


def levels_asked(system: SystemDefinition) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The part `service levels`, where the system has an OpenSLO file: of each service level that a Prometheus knows of
    its burn rate over each window, the ratio that was bad by the ratio that may be. At 1 the budget lasts just its
    period."""
    if (path := system.openslo) is not None:
        yield "service levels", lambda: of_each_level(system, path, _burning)


def of_each_level(
    system: SystemDefinition, path: Path, look: Callable[[Asking, SeriesLevel], T]
) -> dict[str, T] | None:
    """What a look at each service level of an OpenSLO file finds, by their names. None where the file has none that a
    Prometheus knows of.

    Raises:
        UsageError: the file is wrong.
        ClusterError: system.yaml names no Prometheus to ask.
    """
    if not (levels := read_series(path)):
        return None
    if system.monitoring is None or system.monitoring.kind != "prometheus":
        names = ", ".join(level.name for level in levels)
        raise ClusterError(f"system.yaml names no 'monitoring.prometheus' that could be asked for {names}")
    server = system.monitoring.server
    with Asking(server.address, limit_s=server.limit_s, token=check_token(server)) as asking:
        return {level.name: look(asking, level) for level in levels}


def _burning(asking: Asking, level: SeriesLevel) -> dict[str, Any]:
    rates, why = dict[str, float](), dict[str, str]()
    for window in WINDOWS:
        try:
            rates[window] = round(max(values(asking, level.bad(window))) / (1 - level.target), 3)
        except MonitoringError as error:
            why[window] = " ".join(str(error).split())[:200]
    return {"target": level.target, "period_s": level.period_s, "burn": rates, "why": why}
