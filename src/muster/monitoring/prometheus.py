"""Which alerts a Prometheus has firing, by its HTTP API v1 (and what speaks like it: Mimir, Thanos Ruler, vmalert).

`/api/v1/alerts` and not a query for the series ALERTS: it is what the rules said when they were evaluated last, and it
needs neither the query engine nor a store that may lag, or keep a series for minutes after its rule is gone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from muster.monitoring.asking import Asking, MonitoringError
from muster.monitoring.seen import Seen, bearing, matching

ALERTS = "/api/v1/alerts"
RULES = "/api/v1/rules"
QUERY = "/api/v1/query"
MOST_NAMES = 8


class Prometheus:
    """A Prometheus, asked for the alerts of one name. A pending one waits for its `for` to pass and tells nobody."""

    def __init__(self, asking: Asking, alert: str, matchers: Mapping[str, str]) -> None:
        self.name = f"Prometheus at {asking.url}"
        self._asking = asking
        self._alert = alert
        self._matchers = matchers
        self._rule_found = False

    def look(self) -> Seen:
        """Ask once.

        Raises:
            MonitoringError: it did not answer, or not with its alerts, or has no rule for this one.
        """
        if not self._rule_found:
            self._find_rule()
        pending = False
        for alert in _listed(self._asking, self._asking.get(ALERTS), "alerts", ALERTS):
            if matching(alert.get("labels"), self._alert, self._matchers):
                if alert.get("state") == "firing":
                    return Seen(True)
                pending = pending or alert.get("state") == "pending"
        return Seen(False, "it is pending" if pending else "")

    def _find_rule(self) -> None:
        """See to it that there is such an alert at all: the absence of a misspelt one would prove nothing."""
        content = self._asking.get(RULES, [("type", "alert")], absent_ok=True)
        if content is not None:  # not everything that speaks like a Prometheus tells its rules
            groups = _listed(self._asking, content, "groups", RULES)
            rules = [rule for group in groups for rule in group.get("rules") or () if isinstance(rule, dict)]
            names = sorted({str(rule.get("name")) for rule in rules if rule.get("type", "alerting") == "alerting"})
            if self._alert not in names:
                there = ", ".join(names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
                raise MonitoringError(
                    f"{self.name} has no alerting rule '{self._alert}' (there are: {there or 'none'})"
                )
        self._rule_found = True


def firing(asking: Asking, labels: Mapping[str, str]) -> list[str]:
    """The names of the alerts with these labels that fire now.

    Raises:
        MonitoringError: it did not answer, or not with its alerts.
    """
    there = [one for one in _listed(asking, asking.get(ALERTS), "alerts", ALERTS) if bearing(one.get("labels"), labels)]
    return sorted({str(one["labels"].get("alertname")) for one in there if one.get("state") == "firing"})


def values(asking: Asking, query: str) -> list[float]:
    """The present values of a query.

    Raises:
        MonitoringError: it did not answer, or with no value that is a number.
    """
    content = asking.get(QUERY, [("query", query)])
    data = content.get("data") if isinstance(content, dict) and content.get("status") == "success" else None
    if not isinstance(data, dict) or "result" not in data:
        raise MonitoringError(f"{asking.url} answered without data.result to {QUERY}")
    series = [{"value": data["result"]}] if data.get("resultType") == "scalar" else data["result"]
    try:
        found = [float(one["value"][1]) for one in series]
    except (TypeError, ValueError, KeyError, IndexError):
        raise MonitoringError(f"{asking.url} answered what is no value of {query}; right would be a vector") from None
    if not found or any(map(math.isnan, found)):
        raise MonitoringError(f"{asking.url} has no value of {query}")
    return found


def _listed(asking: Asking, content: Any, key: str, path: str) -> list[dict[str, Any]]:
    data = content.get("data") if isinstance(content, dict) and content.get("status") == "success" else None
    found = data.get(key) if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MonitoringError(f"{asking.url} answered without data.{key} to {path}")
    return found
