"""A release in one line, as its record tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from muster.checks.seen import moment
from muster.diagnosis.text import span

State = Literal["fine", "finding", "unknown"]
GOES_WELL = ("preparing", "shifting", "baking", "promoting", "released", "rolled back")
ENDED = ("rolled back", "released", "failed")
LATE_S = 60.0  # whoever looks after a release looks far more often


def release_line(told: Mapping[str, Any], at: datetime) -> tuple[State, str]:
    """How a release was at a time, and what is to be said of it; an empty record says that there was none."""
    if not told:
        return "fine", "none under way"
    version, state = told.get("version"), str(told.get("state"))
    why = f": {told['why']}" if told.get("why") else ""
    if state in ENDED:
        ago = span((at - moment(told.get("ended"))).total_seconds())
        said = f"{version} failed" if state == "failed" else f"none under way; {version} was {state}"
        said = f"{said} {ago} ago"
        return "fine" if state in GOES_WELL else "finding", f"{said}{why if state != 'released' else ''}"
    share = (told.get("share") or {}).get("possible", 0.0)
    said = f"{version} {state} at phase {told.get('phase')}, {share:.0%} of traffic{_left(told)}"
    if silent := _silent(told, at):
        return "unknown", f"{said}; {silent}"
    return "fine" if state in GOES_WELL else "finding", f"{said}{why}"


def _left(told: Mapping[str, Any]) -> str:
    """How long its bake lasts still, where one is under way."""
    bake = told.get("bake") or {}
    if told.get("state") not in ("baking", "holding", "paused") or bake.get("phase") != told.get("phase"):
        return ""
    return f", {span(float(bake.get('left_s', 0.0)) / float(told.get('time_scale') or 1.0))} of the bake left"


def _silent(told: Mapping[str, Any], at: datetime) -> str:
    """That nobody has looked at a bake for too long; empty where somebody has."""
    seen = (told.get("bake") or {}).get("seen")
    if told.get("state") not in ("baking", "holding") or not seen:
        return ""
    ago = (at - moment(seen)).total_seconds()
    return f"nobody has looked at it for {span(ago)}: muster deploy --continue" if ago > LATE_S else ""
