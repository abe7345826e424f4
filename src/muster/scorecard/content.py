"""What stands on a scorecard, of a history, its plan, incidents, indicators and releases. Pure: nothing is read here.

A rehearsal on the embedded cluster and a drill on a cluster of one's own are never added up: the one proves procedure
and instrument, the other the RTO (docs/measurement.md, Evidence).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from muster.history.facts import DrillFacts
from muster.history.overview import WORST_FIRST, DrillHistory, moment, overdue
from muster.history.plan import Planned
from muster.history.query import stamp
from muster.history.words import due_line
from muster.incidents.escalation import overdue as to_be_asked
from muster.incidents.incident import Entry, Incident
from muster.incidents.indicators import Indicator
from muster.released import KeptRelease, LookFacts

EVIDENCE = ("cluster", "rehearsal")
LAST_RUNS = 10


@dataclass(frozen=True)
class Run:
    """A run of drills: how many of them came to what, `verdict` the worst. Times are UTC, ISO 8601."""

    id: str
    started: str
    system: str
    cluster: str
    evidence: str
    verdict: str
    met: int
    missed: int
    unknown: int
    commit: str | None


@dataclass(frozen=True)
class Point:
    """One drill of one run: its RTO in seconds, None where it has none, within [low, high]."""

    at: str
    run: str
    evidence: str
    cluster: str
    verdict: str
    rto_s: float | None
    low_s: float | None
    high_s: float | None
    budget_s: float | None
    why: str


@dataclass(frozen=True)
class Drill:
    """A drill over time, oldest first: all its runs, and those `shown`, since the moment that was asked for.

    `budget_s` is what its latest run allowed, else what is planned.
    """

    name: str
    system: str | None
    severity: str | None
    fault: str | None
    procedure: str | None
    budget_s: float | None
    points: tuple[Point, ...]
    shown: tuple[Point, ...]

    def latest(self, evidence: str) -> Point | None:
        """The latest of one kind of evidence; where that run repeated it, the worst repetition."""
        of_kind = [point for point in self.points if point.evidence == evidence]
        same_run = [point for point in of_kind if point.run == of_kind[-1].run]
        return min(reversed(same_run), key=lambda point: WORST_FIRST.index(point.verdict), default=None)

    @property
    def said(self) -> str:
        """The RTO over time in one sentence, for who cannot see the picture."""
        measured = [point for point in self.shown if point.rto_s is not None]
        if not measured:
            return f"{self.name}: no RTO was measured in {len(self.shown)} runs."
        values = [point.rto_s for point in measured if point.rto_s is not None]
        met = sum(point.verdict == "met" for point in self.shown)
        budget = f" of a budget of {self.budget_s:g} s" if self.budget_s is not None else ""
        return (
            f"{self.name}: RTO in {len(measured)} runs from {measured[0].at[:10]} to {measured[-1].at[:10]}; "
            f"latest {values[-1]:.3g} s{budget}, median {statistics.median(values):.3g} s, "
            f"longest {max(values):.3g} s; {met} of {len(self.shown)} met."
        )


@dataclass(frozen=True)
class Proof:
    """The newest drill that came to a verdict, of one kind of evidence; `stale` where it is older than its cadence."""

    evidence: str
    at: str
    days: float
    verdict: str
    stale: bool
    drill: str


@dataclass(frozen=True)
class Cell:
    """A fault mended by a procedure (None: by the platform): what proves it, and the drills that hold it."""

    fault: str
    procedure: str | None
    drills: tuple[str, ...]
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class Open:
    """An incident that is not resolved, and who is to be asked next."""

    incident: Incident
    next: str


@dataclass(frozen=True)
class ReleaseStory:
    """A release, and what was seen of it, the oldest first."""

    release: KeptRelease
    looks: tuple[LookFacts, ...]

    @property
    def said(self) -> str:
        """How it went in one sentence, for who cannot see the picture."""
        one = self.release
        shares = [f"{look.phase} {look.share:.0%}" for look in {look.phase: look for look in self.looks}.values()]
        back = "" if one.back_s is None else f" All traffic was on the old version after {one.back_s:.2f} s."
        why = "" if one.state == "released" or not one.why else f": {one.why}"
        seen = f"; traffic of the new version: {', '.join(shares)}" if shares else ""
        return f"{one.target}: {one.state}{why}{seen}.{back}"


@dataclass(frozen=True)
class Scorecard:
    """All that stands on the page, as it was at `now`."""

    now: datetime
    since: datetime
    system: str | None
    runs: tuple[Run, ...]
    drills: tuple[Drill, ...]
    cells: tuple[Cell, ...]
    overdue: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    incidents: tuple[Open, ...]
    releases: tuple[ReleaseStory, ...] = ()

    def proven(self, evidence: str) -> list[str]:
        """The drills whose latest run of a kind of evidence is met."""
        return [drill.name for drill in self.drills if (one := drill.latest(evidence)) and one.verdict == "met"]

    @property
    def failing(self) -> list[tuple[Drill, Point]]:
        """The drills whose latest run of any kind of evidence is not met, the missed ones first."""
        latest = [(drill, one) for drill in self.drills for kind in EVIDENCE if (one := drill.latest(kind))]
        bad = [(drill, one) for drill, one in latest if one.verdict != "met"]
        return sorted(bad, key=lambda pair: (WORST_FIRST.index(pair[1].verdict), pair[0].name))

    @property
    def never(self) -> list[str]:
        """The drills that were planned and never held."""
        return [drill.name for drill in self.drills if not drill.points]


def scorecard(
    histories: Sequence[DrillHistory],
    plan: Mapping[str, Planned],
    *,
    indicators: Sequence[Indicator],
    incidents: Iterable[tuple[Incident, Sequence[Entry]]],
    since: datetime,
    now: datetime,
    system: str | None = None,
    releases: Sequence[ReleaseStory] = (),
) -> Scorecard:
    """What there is to say of drills, incidents, indicators and releases.

    `since` is from when on runs are shown; how old evidence is, and what is overdue, is of all. `plan` are the drills
    that the project has: what of it was never held stands on the page as such.
    """
    drills = _drills(histories, plan, stamp(since))
    facts = sorted((run for history in histories for run in history.runs), key=lambda run: (run.at, run.id))
    return Scorecard(
        now=now,
        since=since,
        system=system or _only(run.system for run in facts),
        runs=_runs([fact for fact in facts if fact.at >= stamp(since)]),
        drills=drills,
        cells=_cells(histories, drills, now),
        overdue=tuple(_overdue(histories, now)),
        indicators=tuple(indicators),
        incidents=tuple(_open(one, entries, now) for one, entries in incidents if one.resolved is None),
        releases=tuple(sorted(releases, key=lambda story: story.release.began, reverse=True)),
    )


def _only(systems: Iterable[str]) -> str | None:
    names = set(systems)
    return names.pop() if len(names) == 1 else None


def _runs(facts: Sequence[DrillFacts]) -> tuple[Run, ...]:
    by_run = dict[str, list[DrillFacts]]()
    for fact in facts:
        by_run.setdefault(fact.run, []).append(fact)
    found = []
    for identity, held in by_run.items():
        first, verdicts = held[0], [one.verdict for one in held]
        counts = {verdict: verdicts.count(verdict) for verdict in WORST_FIRST}
        worst = min(verdicts, key=WORST_FIRST.index)
        about = (identity, first.started, first.system, first.cluster, first.evidence, worst)
        found.append(Run(*about, counts["met"], counts["missed"], counts["unknown"], first.git_commit))
    return tuple(sorted(found, key=lambda run: (run.started, run.id), reverse=True)[:LAST_RUNS])


def _drills(histories: Sequence[DrillHistory], plan: Mapping[str, Planned], since: str) -> tuple[Drill, ...]:
    held = dict[tuple[str, str | None], list[DrillFacts]]()
    for history in histories:
        system = history.scope.system if history.scope else None
        held.setdefault((history.name, system), []).extend(history.runs)
    found = []
    for (name, system), facts in held.items():
        runs = sorted(facts, key=lambda run: (run.at, run.id))
        planned, latest = plan.get(name, Planned(name)), runs[-1] if runs else None
        found.append(
            Drill(
                name=name,
                system=system,
                severity=planned.severity or (latest.severity if latest else None),
                fault=planned.fault or (latest.fault if latest else None),
                procedure=planned.recovery or (latest.procedure if latest else None),
                budget_s=(latest.rto_budget_s if latest else None) or planned.budget_s,
                points=tuple(_point(run) for run in runs),
                shown=tuple(_point(run) for run in runs if run.at >= since),
            )
        )
    return tuple(sorted(found, key=lambda drill: (drill.severity or "P9", drill.name, drill.system or "")))


def _point(run: DrillFacts) -> Point:
    return Point(
        at=run.at,
        run=run.run,
        evidence=run.evidence,
        cluster=run.cluster,
        verdict=run.verdict,
        rto_s=run.rto_value_s,
        low_s=run.rto_low_s,
        high_s=run.rto_high_s,
        budget_s=run.rto_budget_s or run.rto_target_s,
        why=run.why,
    )


def _cells(histories: Sequence[DrillHistory], drills: Sequence[Drill], now: datetime) -> tuple[Cell, ...]:
    proofs = dict[str, list[Proof]]()
    for history in histories:
        if history.scope and history.due.latest and history.latest:
            proved = [run for run in history.runs if run.conclusive][-1]
            age = (now - moment(proved.at)) / timedelta(days=1)
            stale = history.due.at is not None and now > history.due.at
            one = Proof(history.scope.evidence, proved.at, age, proved.verdict, stale, history.name)
            proofs.setdefault(history.name, []).append(one)
    cells = dict[tuple[str, str | None], list[str]]()
    for drill in drills:
        if drill.fault:
            cells.setdefault((drill.fault, drill.procedure), []).append(drill.name)
    return tuple(
        Cell(
            fault,
            procedure,
            tuple(dict.fromkeys(names)),
            _newest([one for name in names for one in proofs.get(name, ())]),
        )
        for (fault, procedure), names in sorted(cells.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    )


def _newest(proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """The newest of each kind of evidence, that of clusters first."""
    newest = {one.evidence: one for one in sorted(proofs, key=lambda one: one.at)}
    return tuple(newest[kind] for kind in EVIDENCE if kind in newest)


def _overdue(histories: Sequence[DrillHistory], now: datetime) -> Iterable[str]:
    for drill in sorted(overdue(histories), key=lambda one: (one.severity or "P9", one.name)):
        where = f" (evidence: {drill.scope.evidence})" if drill.scope else ""
        yield f"{drill.name}: {due_line(drill, now)}{where}"


def _open(incident: Incident, entries: Sequence[Entry], now: datetime) -> Open:
    asked = to_be_asked(incident, entries, now)
    return Open(incident, f"ask {asked[-1].role}: {asked[-1].why}" if asked else "")
