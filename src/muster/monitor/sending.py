"""An Alertmanager that is told by its API v2 which alerts there are, again and again: it forgets those that it is not.

Told again it tells nobody anew, as an alert is known by its labels; so after a restart the same alerts are the same.
Each holds for longer than the monitor's silence lasts until that is an alert itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from muster.base.clock import utc
from muster.monitor.memory import Alert, Change
from muster.monitoring import Asking

PATH = "/api/v2/alerts"
HEARTBEAT = "MonitorHeartbeat"
HOLDS_S = 900.0  # an alert that is not told again by then is over for the Alertmanager
BEATS_S = 120.0  # the heartbeat likewise: its absence is to be noticed soon
OVER_FOR_S = 900.0  # what is over is told for so long: an Alertmanager that was away hears of it, too


class Sending:
    """Tells one Alertmanager."""

    def __init__(self, asking: Asking, system: str, cluster: str, namespace: str) -> None:
        self._asking = asking
        self._labels = {"system": system, "cluster": cluster, "namespace": namespace}

    @property
    def name(self) -> str:
        return f"Alertmanager at {self._asking.url}"

    def send(self, alerts: Iterable[Alert], over: Sequence[Change]) -> None:
        """Tell it of the alerts that there are, of those that are over, and that the monitor lives.

        Raises:
            MonitoringError: it does not take them.
        """
        now, there = utc(), list(alerts)
        firing = {(alert.key, alert.severity) for alert in there}
        # An alert that has another severity now is another one to the Alertmanager, as routes go by it.
        gone = [change for change in over if change.was is not None and (change.key, change.was) not in firing]
        told = [self._heartbeat(now), *(self._firing(alert, now) for alert in there), *map(self._over, gone)]
        self._asking.post(PATH, told)

    def _heartbeat(self, now: datetime) -> dict[str, Any]:
        return {
            "labels": {"alertname": HEARTBEAT, "severity": "none", **self._labels},
            "annotations": {"summary": "muster monitor looks, and its alerts get through"},
            "endsAt": _written(now + timedelta(seconds=BEATS_S)),
        }

    def _firing(self, alert: Alert, now: datetime) -> dict[str, Any]:
        told = self._told(alert.key, str(alert.severity), alert.title, alert.detail)
        return {**told, "startsAt": alert.raised or alert.began, "endsAt": _written(now + timedelta(seconds=HOLDS_S))}

    def _over(self, change: Change) -> dict[str, Any]:
        return {**self._told(change.key, str(change.was), change.title, change.detail), "endsAt": change.at}

    def _told(self, key: str, severity: str, title: str, detail: str) -> dict[str, Any]:
        labels = {"alertname": "SystemUnwell", "severity": severity, "object": key, **self._labels}
        return {"labels": labels, "annotations": {"summary": title, "detail": detail, "do": "muster diagnose"}}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
