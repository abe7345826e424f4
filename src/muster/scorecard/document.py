"""A scorecard for machines, as JSON (schema `muster/scorecard/v1`). Seconds, ratios, and days where it says so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from muster.history.query import stamp
from muster.scorecard.content import EVIDENCE, Drill, Scorecard

SCHEMA = "muster/scorecard/v1"


def as_json(card: Scorecard) -> dict[str, Any]:
    """What stands on the page; of each drill its latest run of each kind of evidence, not the points of its picture."""
    return {
        "schema": SCHEMA,
        "now": stamp(card.now),
        "since": stamp(card.since),
        "system": card.system,
        "runs": [asdict(run) for run in card.runs],
        "drills": [_drill(drill) for drill in card.drills],
        "cells": [asdict(cell) for cell in card.cells],
        "overdue": list(card.overdue),
        "indicators": [{**asdict(one), "verdict": one.verdict} for one in card.indicators],
        "incidents": [
            {**asdict(one.incident), "state": one.incident.state, "next": one.next} for one in card.incidents
        ],
        "releases": [asdict(story.release) for story in card.releases],
    }


def _drill(drill: Drill) -> dict[str, Any]:
    latest = {kind: asdict(one) if (one := drill.latest(kind)) else None for kind in EVIDENCE}
    told = {name: getattr(drill, name) for name in ("name", "system", "severity", "fault", "procedure", "budget_s")}
    return {**told, "runs": len(drill.points), "latest": latest}
