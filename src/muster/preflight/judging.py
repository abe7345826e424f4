"""What the objectives of a drill take of its load: with too few samples a drill is unknown, however it goes."""

from __future__ import annotations

import math

from muster.preflight.finding import Result, failed, fine, unknown
from muster.preflight.subject import PlannedDrill, Subject
from muster.verdict.doubts.steady import ROUNDING, too_few


def judged(subject: Subject) -> Result:
    """Whether the objectives can be judged at the rate that each drill's body asks for."""
    if (result := steady(subject)).state != "fine":
        return result
    if short := [f"{one.name}: {why}" for one in subject.drills if (why := _hardly(one))]:
        return unknown("; ".join(short), "keep the load going for longer, by a longer hold_s, or ask more requests/s")
    silent = [one.name for one in subject.drills if one.declared.load and not one.rates]
    well = f"{len(subject.drills) - len(silent)} drills have the samples that their objectives need"
    return fine(well + (f"; only their bodies know the rates of {', '.join(silent)}" if silent else ""))


def steady(subject: Subject) -> Result:
    """Whether each drill can be steady at all at its rate; of the project's files it reads none."""
    told = [(one, why) for one in subject.drills if (why := _never(one))]
    if not told:
        return fine("at the rates that their bodies say the drills can be steady")
    return failed(
        "; ".join(f"{one.name}: {why}" for one, why in told),
        "ask more requests/s of the load, declare a longer steady_s, or a larger target",
        drills=tuple(one.nodeid for one, _ in told),
    )


def _never(drill: PlannedDrill) -> str:
    """Why a drill cannot be steady at its rate, empty where it can."""
    if not drill.declared.load or not drill.rates:
        return ""
    return too_few(sum(drill.rates) * drill.declared.steady_s, drill.declared)


def _hardly(drill: PlannedDrill) -> str:
    """Which objective takes a longer time after the recovery than the drill is sure to watch, empty where none does."""
    if not drill.declared.load or not drill.rates:
        return ""
    rate, hold = max(sum(drill.rates), drill.raised or 0.0), drill.declared.hold_s
    for one in drill.declared.objectives:
        needed = one.samples_needed
        if "after" in one.windows and rate * hold * (1 + ROUNDING) < needed and not math.isinf(needed):
            return (
                f"{one.name} {one.target:g} takes {needed:g} requests after the recovery, which are {needed / rate:.0f}"
                f" s at {rate:g} requests/s, and only {hold:g} s of good service are waited for"
            )
    return ""
