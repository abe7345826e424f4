"""Releases and looks, made for a test."""

from __future__ import annotations

from typing import Any

from muster.analysis import Action, Decision, Judgement, Latency, Look, Side, TriggerVerdict
from muster.release.record import Happened, Release, Share
from muster.release.returning import Returned
from muster.released import LookFacts
from muster.released.facts import SideFacts
from muster.released.rows import look_facts

RETURNED = Returned(0.11, 0.25, 1.42, "44 of 44 answers by the old version", "")
WORSE = "error_rate: 3.10 % of 420 requests failed, more than 0.50 %"


def release(number: int = 1, state: str = "baking", **changed: Any) -> Release:
    own: dict[str, Any] = {
        "id": f"20260301-12000{number}-ab",
        "release": "releases/5.2",
        "version": "5.2",
        "stable": "5.1",
        "system": "shop",
        "namespace": "shop",
        "state": state,
        "phase": "canary",
        "share": Share(wanted=0.05, possible=0.05, way="httproute"),
        "began": f"2026-03-01T12:00:0{number}Z",
        "by": "sre@ops",
        "host": "ops",
        "epoch": 1,
        "events": (happened(1, "canary: shift"),),
    }
    return Release(**own | changed)


def rolled_back(number: int = 1, cause: str = "trigger", **changed: Any) -> Release:
    """One that has been rolled back from 5 % of traffic."""
    events = (happened(1, "canary: shift"), happened(5, f"rolls back: {WORSE}"), happened(7, "gone", "end", 0.0))
    said = {"phase": "end", "share": Share(), "ended": "2026-03-01T12:10:07Z", "why": WORSE, "cause": cause}
    return release(number, "rolled back", **{**said, "events": events, **changed})


def happened(minute: int, what: str, phase: str = "canary", share: float = 0.05) -> Happened:
    return Happened(at=f"2026-03-01T12:{minute:02}:00.000Z", what=what, phase=phase, share=share)


def look(minute: int = 2, action: Action = Action.GO_ON, **changed: Any) -> LookFacts:
    """A look as it is kept, after `minute` minutes of canary."""
    latency = Latency(count=100, bounds_s=(0.1, 0.2, 1.0), at_most=(50, 90, 100))
    seen = {
        "stable": Side(requests=1900, failed=2, latency=latency),
        "canary": Side(requests=100, failed=1, latency=latency),
    }
    own: dict[str, Any] = {"at_s": minute * 60.0, "phase": "canary", "share": 0.05, **seen, **changed}
    verdict = TriggerVerdict.WORSE if action is Action.ROLL_BACK else TriggerVerdict.FINE
    judged = (Judgement("error_rate", verdict, "as made", 100, 300),)
    decision = Decision(action, "as made", judged, minute * 60.0, 1800.0 - minute * 60, 0.0)
    return look_facts(decision, Look(**{"utc": f"2026-03-01T12:{minute:02}:00.000Z"} | own))


def watched(minutes: int = 60, *, bad_from: int | None = None) -> list[LookFacts]:
    """Looks of a release through its phases, one a minute, until what it does from `bad_from` on is rolled back."""
    phases = (("canary", 0.05), ("grow", 0.2), ("half", 0.5), ("switch", 1.0))
    looks = []
    for minute in range(minutes):
        phase, share = phases[minute * len(phases) // minutes]
        within = minute % (minutes // len(phases)) + 1
        requests = 6000.0 * within
        bad = bad_from is not None and minute >= bad_from
        canary = SideFacts(requests * share, requests * share * (0.03 if bad else 0.001), 0.9 if bad else 0.21)
        stable = SideFacts(requests * (1 - share), requests * (1 - share) * 0.001, 0.2) if share < 1 else SideFacts()
        over = bad and bad_from is not None and minute >= bad_from + 3
        decision = "roll back" if over else "hold" if bad else "promote" if within * 4 == minutes else "go on"
        at = f"2026-03-01T{12 + minute // 60}:{minute % 60:02}:00.000Z"
        looks.append(LookFacts(at, phase, within * 60.0, share, decision, "as made", stable, canary))
        if over:
            break
    return looks


def seen(phase: str, share: float, stable: tuple[float, float] | None, canary: tuple[float, float]) -> LookFacts:
    """A look of which only (requests, failed) matter."""
    old = SideFacts(*stable) if stable else SideFacts()
    at = f"2026-03-01T12:02:00.{int(share * 100):03}Z"
    return LookFacts(at, phase, 60.0, share, "go on", "", old, SideFacts(*canary))
