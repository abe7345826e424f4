"""Error budgets: what is left of them for a release to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muster.readiness.result import Result, finding, fine, not_applicable, unknown
from muster.readiness.subject import Subject

NO_LEVELS = "system.yaml names no service levels (objectives.openslo)"


def left(subject: Subject) -> Result:
    """Every service level has some of its error budget left."""
    told = _levels(subject, "error budgets")
    if isinstance(told, Result):
        return told
    known = {name: one for name, one in told.items() if one["left"] is not None}
    if not known:
        return unknown("no service level says over which period it holds, so nobody knows what is left")
    spent = [name for name, one in sorted(known.items()) if one["left"] <= 0]
    said = [f"{name}: {_share(one)}" for name, one in sorted(known.items(), key=lambda pair: pair[1]["left"])]
    if spent:
        return finding(
            f"the error budget is used up: {said[0]}", *said[1:], mend="mend what uses it up, and release later"
        )
    return fine(said[0] + (f" (of {len(said)} the least)" if len(said) > 1 else ""), *said[1:])


def judged(subject: Subject) -> Result:
    """Every service level can be judged: its monitoring has what it takes."""
    told = _levels(subject, "service levels")
    if isinstance(told, Result):
        return told
    lacking = [
        f"{name} over {window}: {why}" for name, one in sorted(told.items()) for window, why in one["why"].items()
    ]
    if lacking:
        return unknown(f"{lacking[0]}{f' (and {len(lacking) - 1} more)' if len(lacking) > 1 else ''}")
    return fine(f"{len(told)} service levels can be judged over every window")


def _levels(subject: Subject, part: str) -> Mapping[str, Any] | Result:
    """What was heard of service levels, or that there are none."""
    if subject.declared and not subject.declared.get("levels"):
        return not_applicable(NO_LEVELS)
    absent = part not in subject.snapshot.answers and all(one.what != part for one in subject.snapshot.missing)
    if subject.declared and absent:  # it was asked for, and there was none
        return not_applicable("no service level is one that a Prometheus knows of")
    found: Mapping[str, Any] = subject.heard(part)
    return found


def _share(one: Mapping[str, Any]) -> str:
    days = one["period_s"] / 86400
    return f"{one['left']:.0%} of {days:g} days' error budget left"
