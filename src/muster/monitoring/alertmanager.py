"""Which alerts an Alertmanager passes on, by its HTTP API v2 (Alertmanager 0.16 and newer)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muster.monitoring.asking import Asking, MonitoringError
from muster.monitoring.seen import Seen, matching

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
        wanted = {"alertname": alert, **matchers}
        self._query = [*ALL, *(("filter", f"{label}={_quoted(value)}") for label, value in wanted.items())]

    def look(self) -> Seen:
        """Ask once.

        Raises:
            MonitoringError: it did not answer, or not with a list of alerts.
        """
        content = self._asking.get(PATH, self._query)
        if not isinstance(content, list) or not all(isinstance(alert, dict) for alert in content):
            raise MonitoringError(f"{self._asking.url} answered no list of alerts to {PATH}")
        held = []
        for alert in content:
            if matching(alert.get("labels"), self._alert, self._matchers):
                why = _held_back(alert.get("status"))
                if why is None:
                    return Seen(True)
                held.append(why)
        return Seen(False, f"it fires, but is {held[0]}" if held else "")


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
