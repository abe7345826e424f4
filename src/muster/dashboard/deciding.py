"""What happens to a release next by itself, and what that hangs on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from muster.analysis.rehearsing import scaled
from muster.analysis.words import many, share
from muster.checks.seen import moment
from muster.dashboard.picture import ReleaseSeen
from muster.dashboard.view.text import duration
from muster.release.record import Bake, Release
from muster.system.release import ReleasePlan

PROMOTED = "promoted: the old version is replaced by the new one"
BACK = "rolled back where a trigger is worse, or its pods fail"
AGAIN = "where nothing happens any more, r takes it over and goes on"
KEEPS = "FROZEN where it does worse, not rolled back: its database change is not backward compatible"


@dataclass(frozen=True)
class Hanging:
    """A trigger: its `verdict` by the last look and why, and what it `lacks` of samples, empty where it has enough."""

    name: str
    verdict: str
    why: str
    lacks: str = ""


@dataclass(frozen=True)
class Next:
    """What happens by itself: `what`, in `in_s` seconds (None: that is not known), and else what `instead`.

    `hangs` are the triggers that it hangs on; `acts` is whether anything happens by itself at all.
    """

    what: str
    in_s: float | None = None
    instead: str = ""
    hangs: tuple[Hanging, ...] = ()
    acts: bool = True


def next_of(seen: ReleaseSeen, plan: ReleasePlan, utc: datetime) -> Next | None:
    """The next thing that happens by itself to the release that is under way; None where none is."""
    release = seen.release
    if release is None or release.is_over:
        return None
    if release.state == "rolling back":  # whoever does that takes no Lease: it waits for nobody
        return Next("all traffic goes to the old version, then the new one is removed", instead=AGAIN)
    if seen.by is None or release.state == "frozen":
        return _alone(release)
    if release.state in ("baking", "holding", "paused"):
        return _of_bake(release, plan, utc)
    return _of_steps(release)


def _of_steps(release: Release) -> Next:
    if release.state == "promoting":
        frozen = "FROZEN where a step fails: the way back is longer from here on"
        return Next("the next step; once all are done it is released", instead=frozen)
    first = "the steps before any traffic" if release.phase == "pre" else "the next step, then the bake of this phase"
    return Next(first, instead=KEEPS if release.changed_for_good else "rolled back where a step fails")


def _alone(release: Release) -> Next:
    who = "it is frozen" if release.state == "frozen" else "nobody looks after it now"
    return Next(f"nothing, as {who}: 'muster deploy --continue' goes on, r takes it back", acts=False)


def _of_bake(release: Release, plan: ReleasePlan, utc: datetime) -> Next:
    bake = release.bake
    if bake is None or bake.phase != release.phase:
        return Next("the bake of this phase begins", instead=KEEPS if release.changed_for_good else BACK)
    instead = KEEPS if release.changed_for_good else BACK
    hangs = tuple(_hanging(release, bake, plan))
    since = (utc - moment(bake.seen)).total_seconds() if bake.seen else 0.0
    if release.state == "paused":
        return Next("no further phase, as it is paused (c continues)", None, instead, hangs)
    if release.state == "holding" or bake.decision == "hold":
        left = (plan.analysis.hold_s - bake.held_s) / release.time_scale - since
        limit = duration(plan.analysis.hold_s / release.time_scale)
        held = f"held for {duration(bake.held_s / release.time_scale + since)} of at most {limit}"
        ended = "FROZEN" if release.changed_for_good else "rolled back"
        return Next(f"{ended} for want of data, unless it comes ({held})", max(left, 0.0), instead, hangs)
    left = max(bake.left_s / release.time_scale - since, 0.0)
    return Next(_after(release, plan), left, instead, hangs)


def _after(release: Release, plan: ReleasePlan) -> str:
    if release.until == release.phase:
        return "it stops here, as it was told to"
    names = [phase.name for phase in plan.phases]
    place = names.index(release.phase) + 1 if release.phase in names else len(names)
    if place >= len(names):
        return PROMOTED
    phase = plan.phases[place]
    bake = duration(phase.bake_s / release.time_scale)
    return f"phase {phase.name}: {share(phase.share)} of traffic, baked for {bake}"


def _hanging(release: Release, bake: Bake, plan: ReleasePlan) -> list[Hanging]:
    settings = scaled(plan.analysis, release.time_scale)
    requests = (bake.readings.get("canary") or {}).get("requests")
    found = []
    for one in bake.triggers:
        trigger = getattr(settings, one.name, None)
        lacks = ""
        if one.name in ("error_rate", "latency") and trigger is not None and requests is not None:
            lacks = f"{many(requests)} of {many(trigger.least)} requests" if requests < trigger.least else ""
        found.append(Hanging(one.name, one.verdict, one.why, lacks))
    return found
