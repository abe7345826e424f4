"""A history for machines, as JSON (schema `muster/history/v1`). Seconds, ratios, and days where it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.history.overview import DrillHistory, Objectives
from muster.history.query import stamp
from muster.history.regression import RUNS_NEEDED, regression_line
from muster.history.trend import Trend

SCHEMA = "muster/history/v1"
_DAY = timedelta(days=1)


def as_json(
    histories: Sequence[DrillHistory],
    objectives: Objectives,
    now: datetime,
    versions: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Each drill in each scope, with its runs, oldest first; and the versions that these were held against, by key."""
    drills = [_drill(drill, objectives, now) for drill in histories]
    return {"schema": SCHEMA, "now": stamp(now), "versions": dict(versions or {}), "drills": drills}


def _drill(drill: DrillHistory, objectives: Objectives, now: datetime) -> dict[str, Any]:
    success, due, left = drill.success, drill.due, drill.due.left(now)
    return {
        "name": drill.name,
        **(drill.scope._asdict() if drill.scope else {"system": None, "cluster": None, "evidence": None}),
        "severity": drill.severity,
        "verdict": drill.latest.verdict if drill.latest else None,
        "due": {
            "cadence": due.cadence,
            "latest_evidence": stamp(due.latest) if due.latest else None,
            "age_days": round((now - due.latest) / _DAY, 3) if due.latest else None,
            "at": stamp(due.at) if due.at else None,
            "left_days": None if left is None else round(left / _DAY, 3),
            "overdue": due.overdue,
        },
        "success": {
            "met": success.met,
            "missed": success.missed,
            "unknown": success.unknown,
            "rate": success.rate,
            "lower_bound_95": round(success.bound, 6),
            "wanted_in_a_row": success.wanted,
        },
        "rto": _trend(drill.rto),
        "regression": {
            **asdict(drill.regression),
            "needed_runs": RUNS_NEEDED,
            "why": regression_line(drill.regression),
        },
        "repeats": drill.repeated.model_dump(mode="json") if drill.repeated else None,
        "objectives": [
            {"name": name, "window": window, "target": judged.target, **_trend(judged.trend)}
            for (name, window), judged in drill.objectives.items()
        ],
        "runs": [_run(run, objectives.get(run.id, ())) for run in drill.runs],
    }


def _trend(trend: Trend) -> dict[str, Any]:
    return {
        "change": trend.change.value,
        "by": trend.by,
        "latest": trend.latest,
        "median_earlier": trend.median,
        "spread_earlier": trend.spread,
        "earlier_runs": trend.runs,
    }


def _run(run: DrillFacts, objectives: Sequence[ObjectiveFacts]) -> dict[str, Any]:
    told = run._asdict()
    del told["id"]
    keys = ObjectiveFacts._fields[1:]
    return {**told, "objectives": [dict(zip(keys, one[1:], strict=True)) for one in objectives]}
