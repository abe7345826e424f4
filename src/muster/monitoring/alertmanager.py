"""Which alerts an Alertmanager passes on, by its HTTP API v2 (Alertmanager 0.16 and newer)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from muster.monitoring.asking import Asking, MonitoringError
from muster.monitoring.seen import Seen, bearing, matching

PATH = "/api/v2/alerts"
# All of them: that an alert is held back is worth telling, and is decided here by what each says of itself.
ALL = tuple((state, "true") for state in ("active", "silenced", "inhibited", "unprocessed"))
HELD_BACK = {"silencedBy": "silenced", "inhibitedBy": "inhibited", "mutedBy": "muted"}


class Alertmanager:
    """An Alertmanager, asked for the alerts of one name. One that is silenced, inhibited or muted tells nobody."""

    def __init__(self, asking: Asking, alert: str, matchers: Mapping[str, str]) -> None:
        self.name = f"Alertmanager at {asking.url}"
        self._asking = asking
        self._alert = alert
        self._matchers = matchers
        self._query = [*ALL, *_filters({"alertname": alert, **matchers})]

    def look(self) -> Seen:
        """Ask once.

        Raises:
            MonitoringError: it did not answer, or not with a list of alerts.
        """
        held = []
        for alert in _alerts(self._asking, self._query):
            if matching(alert.get("labels"), self._alert, self._matchers):
                why = _held_back(alert.get("status"))
                if why is None:
                    return Seen(True)
                held.append(why)
        return Seen(False, f"it fires, but is {held[0]}" if held else "")


def firing(asking: Asking, labels: Mapping[str, str]) -> list[str]:
    """The names of the alerts with these labels that somebody is told of now.

    Raises:
        MonitoringError: it did not answer, or not with a list of alerts.
    """
    told = [one for one in _alerts(asking, [*ALL, *_filters(labels)]) if bearing(one.get("labels"), labels)]
    return sorted({str(one["labels"].get("alertname")) for one in told if _held_back(one.get("status")) is None})


def _alerts(asking: Asking, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    content = asking.get(PATH, query)
    if not isinstance(content, list) or not all(isinstance(alert, dict) for alert in content):
        raise MonitoringError(f"{asking.url} answered no list of alerts to {PATH}")
    return content


def _filters(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("filter", f"{label}={_quoted(value)}") for label, value in labels.items()]


def _held_back(status: Any) -> str | None:
    """Why nobody is told of an alert, or None where somebody is."""
    if not isinstance(status, dict) or not isinstance(status.get("state"), str):
        raise MonitoringError("the Alertmanager tells of an alert without its state")
    for key, how in HELD_BACK.items():
        if by := status.get(key):
            return f"{how} by {', '.join(str(one) for one in by)}" if isinstance(by, list) else how
    return None if status["state"] == "active" else str(status["state"])


def _quoted(value: str) -> str:
    """A matcher's value as the Alertmanager reads it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
