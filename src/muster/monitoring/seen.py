"""What one look at the monitoring shows, and what can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether the alert fires, as a responder would be told; `note` says in a few words what speaks against it."""

    firing: bool
    note: str = ""


class Source(Protocol):
    """A monitoring that can be asked for one alert."""

    @property
    def name(self) -> str:
        """Which monitoring it is, in one line."""

    def look(self) -> Seen:
        """Ask it once.

        Raises:
            MonitoringError: it did not answer, or not what makes sense; nothing is known.
        """


def bearing(labels: Any, wanted: Mapping[str, str]) -> bool:
    """Whether an alert bears all of these labels."""
    return isinstance(labels, dict) and all(labels.get(name) == value for name, value in wanted.items())


def matching(labels: Any, alert: str, matchers: Mapping[str, str]) -> bool:
    """Whether an alert with these labels is the one that is waited for."""
    return bearing(labels, {**matchers, "alertname": alert})
