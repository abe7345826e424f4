"""What is on record of this very version: the drills that it must have passed, and whether it is as quick as others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import comb

from muster.gate.subject import Found, Subject
from muster.history.cadence import GRACE, PERIODS
from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.history.overview import RATIOS, moment
from muster.history.trend import EARLIER_NEEDED, EARLIER_USED, Change, Figure, Trend, compare
from muster.history.words import MORE_IS_BETTER, WORTH_TELLING, age, trend_line, unit_of
from muster.system.version import SystemVersion
from muster.system.version import compare as compared

STEADY = "before"  # the window of a drill in which nothing is struck yet
CHANCE = 1 / 200  # of a change beyond noise on one side where there is none (muster.history.trend)
LEVEL = 0.05
WORDS = {Change.HIGHER: "higher", Change.LOWER: "lower"}
LONGEST = timedelta(days=366)
MOST = 8


def drills(subject: Subject) -> Iterator[tuple[str, Found]]:
    """Each drill of the severities that are demanded: met, on this very version, and not too long ago."""
    if isinstance(subject.proven.plan, str):
        yield "drills", Found("unknown", f"which drills there are is not known: {subject.proven.plan}")
        return
    wanted = subject.system.release.acceptance.severities
    planned = [one for one in subject.proven.plan.values() if one.severity in wanted]
    if not planned:
        yield "drills", Found("unknown", f"the project has no drill of severity {', '.join(wanted)}")
    for one in planned:
        yield f"drill {one.name}", _drill(subject, one.name, PERIODS.get(one.cadence or "", LONGEST))


def _drill(subject: Subject, name: str, period: timedelta) -> Found:
    held = [one for one in subject.proven.drills if one.name == name and one.system == subject.system.name]
    if not held:
        return Found("unknown", "it was never held")
    same = _this(subject)
    ours = [one for one in held if one.version in same]
    proved = [one for one in ours if one.conclusive]
    if not proved:
        last = held[-1]
        ago = f"last held {age(subject.now - moment(last.at))} ago"
        why = f"unknown then: {last.why}" if last in ours else f"of another version: {_other(subject, last.version)}"
        return Found("unknown", f"{ago}, {why}")
    real = [one for one in proved if one.evidence == "cluster"]
    last = (real or proved)[-1]
    same_run = [one for one in proved if one.run == last.run]
    worst = next((one for one in same_run if one.verdict == "missed"), last)
    rto = "" if worst.rto_value_s is None else f", RTO {worst.rto_value_s:.3g} s"
    lines = (f"run {worst.run} on {worst.cluster}, {worst.muster_version}", f"{len(proved)} times on this version")
    told = {"lines": lines, "at": worst.at, "source": "the history"}
    kind = "cluster" if worst.evidence == "cluster" else "rehearsal"
    since = subject.now - moment(worst.at)
    if worst.verdict == "missed":
        return Found("missed", f"missed {age(since)} ago: {worst.why}", evidence=kind, **told)  # type: ignore[arg-type]
    if since > period + GRACE:
        return Found("unknown", f"met {age(since)} ago, which is too long", evidence=kind, **told)  # type: ignore[arg-type]
    return Found("met", f"met {age(since)} ago{rto}", evidence=kind, **told)  # type: ignore[arg-type]


def _this(subject: Subject) -> set[str]:
    """The keys under which this very version is kept: one that may be another one is none of them."""
    return {key for key, one in subject.proven.versions.items() if compared(one, subject.wanted).same}


def _other(subject: Subject, key: str | None) -> str:
    """In which way a drill was of another version, or may have been; empty where it was of this one."""
    version: SystemVersion | None = subject.proven.versions.get(key or "")
    found = compared(version, subject.wanted)
    return next(iter((*found.differs, *found.unknown)), "")


def performance(subject: Subject) -> Found:
    """In the steady state of its drills it is no worse, beyond noise, than what was measured up to the baseline."""
    baseline = subject.proven.baseline
    if baseline is None:
        why = "no other version is kept to hold it against"
        return Found("unknown", why, ("once one is accepted it is kept; else: muster gate RELEASE --keep-baseline",))
    here = (subject.system.name, subject.cluster)
    scope = [one for one in subject.proven.drills if (one.system, one.cluster) == here]
    same = _this(subject)
    ours = [one for one in scope if one.conclusive and one.version in same]
    before = [one for one in scope if one.conclusive and one.version not in same and one.at <= baseline.at]
    trends = list(_trends(subject, before, ours))
    told = [trend for *_, trend in trends if trend.change is not Change.TOO_FEW]
    source = f"the history; baseline {baseline.release} of {baseline.at[:10]}"
    if not told:
        why = f"too few steady states: {len(ours)} drills of this version, {len(before)} up to the baseline"
        return Found("unknown", why, (f"{EARLIER_NEEDED} earlier ones of a drill are needed",), source=source)
    worse = [(name, objective, trend) for name, objective, trend in trends if _is_worse(objective, trend)]
    lines = tuple(
        f"{name}, {one.name}: {trend_line(trend, unit=unit_of(one.name), words=WORDS)}" for name, one, trend in worse
    )
    if not worse:
        why = f"no worse in {len(told)} figures than {baseline.release}"
        return Found("met", why, (f"{len(ours)} drills against {len(before)}",), source=source)
    if _by_chance(len(worse), len(told)) >= LEVEL:
        why = f"{len(worse)} of {len(told)} figures are worse, which may be chance: hold the drills again"
        return Found("unknown", why, lines[:MOST], source=source)
    return Found("missed", f"worse than {baseline.release}: {lines[0]}", lines[1:MOST], source=source)


def _trends(
    subject: Subject, before: Sequence[DrillFacts], ours: Sequence[DrillFacts]
) -> Iterator[tuple[str, ObjectiveFacts, Trend]]:
    """Each figure of each drill's steady state: the latest of this version against the earlier ones."""
    for name in sorted({one.name for one in ours}):
        latest = [one for one in ours if one.name == name][-1]
        earlier = [one for one in before if one.name == name][-EARLIER_USED:]
        for objective in _steady(subject, latest):
            figures = [
                figure
                for one in earlier
                for other in _steady(subject, one)
                if other.name == objective.name and (figure := _figure(other)) is not None
            ]
            yield name, objective, compare(figures, _figure(objective))


def _steady(subject: Subject, drill: DrillFacts) -> list[ObjectiveFacts]:
    return [one for one in subject.proven.objectives.get(drill.id, ()) if one.window == STEADY]


def _figure(one: ObjectiveFacts) -> Figure | None:
    ratio = one.name in RATIOS and one.value is not None and 0 <= one.value <= 1
    return Figure.of_ratio(one.value, one.samples) if ratio else Figure.of(one.value)


def _is_worse(objective: ObjectiveFacts, trend: Trend) -> bool:
    worse = Change.LOWER if objective.name in MORE_IS_BETTER else Change.HIGHER
    return trend.change is worse and abs(trend.by or 0.0) > WORTH_TELLING * abs(objective.target)


def _by_chance(worse: int, figures: int) -> float:
    """How likely so many figures, or more, seem worse where nothing changed."""
    fewer = sum(comb(figures, k) * CHANCE**k * (1 - CHANCE) ** (figures - k) for k in range(worse))
    return 1 - fewer
