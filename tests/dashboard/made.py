"""Pictures of a system under a release, for what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.diagnosis.saved import WELL

from muster.dashboard.picture import Measured, Picture, ReleaseSeen, Said
from muster.dashboard.rates import Rates
from muster.dashboard.sight import Sight
from muster.dashboard.view.view import Moment, View, view
from muster.diagnosis import diagnose
from muster.incidents.incident import Incident
from muster.release.record import Bake, Release, Share, Trigger
from muster.snapshot import Snapshot
from muster.status import Glance, glance
from muster.system import SystemDefinition, read_system

ENHANCER = Path(__file__).parents[2] / "systems/enhancer/system.yaml"
UTC_NOW = datetime(2026, 11, 28, 3, 0, 5, tzinfo=UTC)
NOW = 1000.0  # CLOCK_MONOTONIC
SEEN_AT = 998.0
BY = "ops on desk"


@cache
def definition() -> SystemDefinition:
    return read_system(ENHANCER)


def ago(seconds: float) -> str:
    return (UTC_NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def trigger(name: str, verdict: str, why: str = "because") -> Trigger:
    return Trigger(name=name, verdict=verdict, why=why)


def bake(**changes: Any) -> Bake:
    told: dict[str, Any] = {
        "phase": "grow",
        "began": ago(905),
        "limit_s": 2700.0,
        "baked_s": 900.0,
        "left_s": 1800.0,
        "looks": 90,
        "decision": "go on",
        "why": "30 min of the bake left",
        "triggers": (trigger("error_rate", "undecided"), trigger("latency", "fine")),
        "seen": ago(5),
        "readings": {"canary": {"requests": 120.0}},
    }
    return Bake(**{**told, **changes})


def release(**changes: Any) -> Release:
    told: dict[str, Any] = {
        "id": "20261128-024000-ab12",
        "release": "releases/5.2",
        "version": "5.2",
        "stable": "5.1",
        "canary": "5.2",
        "system": "enhancer",
        "namespace": "enhancer",
        "state": "baking",
        "phase": "grow",
        "share": Share(wanted=0.2, possible=0.2, way="httproute"),
        "began": ago(1200),
        "by": "ops",
        "host": "desk",
        "bake": bake(),
        "workloads": {"api": 3},
        "serving": "api",
    }
    return Release(**{**told, **changes})


def seen(by: str | None = BY, **changes: Any) -> ReleaseSeen:
    return ReleaseSeen(release(**changes), by)


def glance_of(snapshot: Snapshot = WELL) -> Glance:
    return glance(snapshot, diagnose(snapshot), 1.0)


def points(*, per_s: float, error_rate: float, p95_s: float, at: float = SEEN_AT) -> tuple[Rates, ...]:
    return tuple(Rates(at - 2 * back, per_s * 30, per_s, error_rate, p95_s) for back in range(50, -1, -1))


def measured(missing: Mapping[str, Mapping[str, str]] | None = None) -> Measured:
    over_time = {
        "stable": points(per_s=80, error_rate=0.0, p95_s=0.12),
        "canary": points(per_s=20, error_rate=0.002, p95_s=0.13),
    }
    return Measured(over_time, missing or {})


def picture(**changes: Any) -> Picture:
    whole = Picture(
        definition(),
        "enhancer · namespace enhancer on staging",
        glance=Sight(glance_of(), SEEN_AT),
        known={part.name: (part, SEEN_AT) for part in glance_of().parts},
        release=Sight(seen(), SEEN_AT),
        measured=Sight(measured(), SEEN_AT),
        incidents=Sight((), SEEN_AT),
    )
    return replace(whole, **changes)


def incident(**changes: Any) -> Incident:
    told: dict[str, Any] = {
        "id": "20261128-1",
        "system": "enhancer",
        "cluster": "staging",
        "severity": "P2",
        "title": "Deployment api: container api exits with 2",
        "cause": None,
        "drill": None,
        "began": ago(600),
        "detected": ago(600),
        "opened": ago(600),
    }
    return Incident(**{**told, **changes})


def said(text: str, *, failed: bool = False, seconds_ago: float = 1) -> Said:
    return Said(UTC_NOW - timedelta(seconds=seconds_ago), text, failed)


def shown(one: Picture, columns: int = 80, rows: int = 40, *, now: float = NOW) -> View:
    return view(one, Moment(now, UTC_NOW), columns, rows)
