"""A release as the store has it. Times are UTC in ISO 8601, seconds are of the clock, shares from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KeptRelease:
    """How a release went, as it was `told` last.

    `phase` and `share` are where it is, or of one that was rolled back, where it was when it had traffic last.
    `stable` is what the old version calls itself, empty where it does not. `cause` is by what it was decided to roll it
    back (see `muster.release.record.Release`). `by` and `host` are who looked after it last, `epoch` counts them.
    `returned` are the parts of the way back in seconds since the decision (see `muster.release.returning.Returned`),
    None where there was none.
    """

    id: str
    system: str
    cluster: str
    namespace: str
    evidence: str
    release: str
    version: str
    stable: str
    images: Mapping[str, str]
    began: str
    ended: str | None
    state: str
    phase: str
    share: float
    way: str
    why: str
    cause: str
    by: str
    host: str
    epoch: int
    time_scale: float
    roles: Mapping[str, str]
    database: Mapping[str, Any] | None
    backup: str | None
    returned: Mapping[str, Any] | None
    told: str

    @property
    def target(self) -> str:
        """What it is called, for people."""
        return f"release {self.version} of {self.system}"

    @property
    def back_s(self) -> float | None:
        """Seconds from the decision until all traffic was seen on the old version; None where it never was."""
        return None if self.returned is None else float(self.returned["verified_s"])


@dataclass(frozen=True)
class EventFacts:
    """Something that happened to a release, in a phase in which it had `share` of traffic."""

    at: str
    what: str
    by: str
    phase: str
    share: float


@dataclass(frozen=True)
class SideFacts:
    """What was seen of one version since the phase began, None where it could not be had: how many requests, how many
    failed, and how many seconds 95 % of them took at the most."""

    requests: float | None = None
    failed: float | None = None
    p95_s: float | None = None

    @property
    def errors(self) -> float | None:
        """The share of requests that failed; None where it is not known, or there was no request."""
        return self.failed / self.requests if self.requests and self.failed is not None else None


@dataclass(frozen=True)
class LookFacts:
    """A look: `at_s` seconds of the plan after the phase began, and what was decided after it."""

    at: str
    phase: str
    at_s: float
    share: float
    decision: str
    why: str
    stable: SideFacts = SideFacts()
    canary: SideFacts = SideFacts()
    triggers: tuple[Mapping[str, Any], ...] = ()

    @property
    def hurt(self) -> float | None:
        """The share of all requests since the phase began that failed, whichever version they came to; None where it is
        not known of one that had traffic, or there was no request."""
        sides = [self.canary] if self.share >= 1 else [self.stable, self.canary]
        requests = failed = 0.0
        for side in sides:
            if side.requests is None or side.failed is None:
                return None
            requests, failed = requests + side.requests, failed + side.failed
        return failed / requests if requests else None
