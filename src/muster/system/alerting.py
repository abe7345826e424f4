"""Whom the system's Alertmanager tells: the part `alerting` of system.yaml (docs/monitoring.md).

No secret stands here: each lies in a file on the Alertmanager's machine, which is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from muster.system.schema import Name, Strict

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
SEVERITIES = ("P1", "P2", "P3", "P4")
# What each kind of channel cannot do without.
NEEDS = {
    "pagerduty": ("secret_file",),
    "slack": ("secret_file", "to"),
    "email": ("to", "from_", "server"),
    "webhook": ("url",),
}


def _plain(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("a secret does not belong into an address")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{url}' is no address; right would be such as http://127.0.0.1:8080/alerts")
    return url


class Channel(Strict):
    """A way to people. `secret_file` holds the key of PagerDuty's service, or the address of Slack's webhook, or the
    password of `user` at the mail `server` (HOST:PORT)."""

    kind: Literal["pagerduty", "slack", "email", "webhook"]
    to: str | None = None
    from_: Annotated[str | None, Field(alias="from")] = None
    server: str | None = None
    user: str | None = None
    url: Annotated[str, AfterValidator(_plain)] | None = None
    secret_file: str | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        for key in NEEDS[self.kind]:
            if getattr(self, key) is None:
                raise ValueError(f"a channel of kind {self.kind} needs '{key.rstrip('_')}'")
        return self


class Hours(Strict):
    """A stretch of the week (UTC) in which drills are announced."""

    days: Annotated[list[Day], Field(min_length=1)]
    since: TimeOfDay
    until: TimeOfDay

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.until <= self.since:
            raise ValueError("'until' lies after 'since'; a stretch over midnight is two")
        return self


class Alerting(Strict):
    """Which channels alerts of a severity go to, those that nobody took up in time (`escalation`), and the heartbeat,
    whose absence somebody else must notice. In `drills`, the hours of announced drills, P3 and P4 are held back."""

    channels: dict[Name, Channel] = {}
    P1: list[Name] = []
    P2: list[Name] = []
    P3: list[Name] = []
    P4: list[Name] = []
    escalation: list[Name] = []
    heartbeat: list[Name] = []
    drills: list[Hours] = []

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        for place in (*SEVERITIES, "escalation", "heartbeat"):
            for name in self.of(place):
                if name not in self.channels:
                    there = ", ".join(self.channels) or "none"
                    raise ValueError(
                        f"'{place}' names channel '{name}', which is not among 'channels' (there are: {there})"
                    )
        return self

    def of(self, place: str) -> Iterable[str]:
        """The channels of a severity, of `escalation` or of `heartbeat`."""
        names: list[str] = getattr(self, place)
        return names
