"""Each drill over time: where it stands, what changed, how sure its recovery is, how old its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from muster.history.cadence import Due, due
from muster.history.facts import DrillFacts, ObjectiveFacts, Scope
from muster.history.plan import Planned
from muster.history.regression import Regression, figures_by_run, regression
from muster.history.trend import EARLIER_USED, Figure, Trend, compare
from muster.verdict import Verdict
from muster.verdict.many.evidence import CLAIM, success_bound, successes_wanted
from muster.verdict.many.repeated import Outcome, RepeatEntry, repeat_of

RATIOS = ("error_rate", "availability", "error_budget")
WORST_FIRST = ("missed", "unknown", "met")
Objectives = Mapping[int, Sequence[ObjectiveFacts]]


@dataclass(frozen=True, slots=True)
class Success:
    """How many recoveries succeeded, of those that proved anything; `unknown` ones are told apart, as no trials.

    A recovery succeeded where its drill was met: in time, nothing lost, objectives kept.
    """

    met: int
    missed: int
    unknown: int

    @property
    def trials(self) -> int:
        return self.met + self.missed

    @property
    def rate(self) -> float | None:
        return self.met / self.trials if self.trials else None

    @property
    def bound(self) -> float:
        """The rate is above this with a confidence of 95 %."""
        return success_bound(self.met, self.trials)

    @property
    def wanted(self) -> int:
        """How many more drills met in a row would show that more than 95 % succeed."""
        return successes_wanted(self.met, self.trials, CLAIM)


@dataclass(frozen=True, slots=True)
class Judged:
    """An objective of the load over time."""

    target: float
    trend: Trend


@dataclass(frozen=True, slots=True)
class DrillHistory:
    """One drill in one scope. `runs` are oldest first; empty for a drill that is planned and was never held there."""

    name: str
    scope: Scope | None
    severity: str | None
    runs: Sequence[DrillFacts]
    due: Due
    success: Success
    rto: Trend
    regression: Regression
    objectives: Mapping[tuple[str, str], Judged] = field(default_factory=dict)

    @property
    def latest(self) -> DrillFacts | None:
        """The drill of the latest run; where that repeated it the worst repetition, as in its summary."""
        latest = [run for run in self.runs if run.run == self.runs[-1].run]
        return min(reversed(latest), key=lambda run: WORST_FIRST.index(run.verdict), default=None)

    @property
    def repeated(self) -> RepeatEntry | None:
        """What the repetitions of the latest run come to, if it had any."""
        latest = [run for run in self.runs if run.run == self.runs[-1].run and run.repetitions]
        if not latest:
            return None
        outcomes = [Outcome(Verdict(run.verdict), run.rto_value_s, run.rto_high_s) for run in latest]
        total, reset = max(run.repetitions or 0 for run in latest), latest[-1].evidence == "rehearsal"
        return repeat_of(self.name, outcomes, total=total, reset=reset)


def group(drills: Iterable[DrillFacts]) -> dict[tuple[Scope, str], list[DrillFacts]]:
    """Drills by scope and name, oldest first."""
    found: dict[tuple[Scope, str], list[DrillFacts]] = {}
    for drill in drills:
        found.setdefault((drill.scope, drill.name), []).append(drill)
    return found


def compared(drills: Iterable[DrillFacts]) -> list[DrillFacts]:
    """The drills whose objectives a trend looks at: of the newest few runs of each group."""
    return [drill for runs in group(drills).values() for drill in _one_of_each_run(runs)]


def _one_of_each_run(runs: Sequence[DrillFacts]) -> list[DrillFacts]:
    """Of each of the newest few runs the first drill that proved anything: repetitions are no further runs."""
    first: dict[str, DrillFacts] = {}
    for run in runs:
        if run.conclusive:
            first.setdefault(run.run, run)
    return list(first.values())[-EARLIER_USED - 1 :]


def overview(
    drills: Sequence[DrillFacts], objectives: Objectives, plan: Mapping[str, Planned] | None, now: datetime
) -> list[DrillHistory]:
    """Every drill in every scope, by scope and name; planned drills that were held nowhere come last.

    Where the plan is known (not None) it says what the cadence is, and a drill that is no longer in it is never due.
    """
    held = [_history(runs, objectives, plan, now) for _, runs in sorted(group(drills).items())]
    names = {drill.name for drill in held}
    missing = [planned for planned in (plan or {}).values() if planned.name not in names]
    return held + [_never_held(planned, now) for planned in sorted(missing, key=lambda planned: planned.name)]


def overdue(histories: Iterable[DrillHistory]) -> list[DrillHistory]:
    """What is overdue. Of a drill that was held on several clusters, the newest evidence of its kind counts."""
    newest: dict[tuple[str, str, str], DrillHistory] = {}
    never = []
    for drill in histories:
        if drill.scope is None:
            never.append(drill)
            continue
        key = (drill.scope.system, drill.scope.evidence, drill.name)
        known = newest.get(key)
        if known is None or _age_key(drill) > _age_key(known):
            newest[key] = drill
    return [drill for drill in [*newest.values(), *never] if drill.due.overdue]


def _age_key(drill: DrillHistory) -> str:
    return drill.due.latest.isoformat() if drill.due.latest else ""


def _history(
    runs: Sequence[DrillFacts], objectives: Objectives, plan: Mapping[str, Planned] | None, now: datetime
) -> DrillHistory:
    latest, name, scope = runs[-1], runs[-1].name, runs[-1].scope
    proved = [run for run in runs if run.conclusive]
    # A drill that was never begun does not know what it was declared to be.
    declared = proved[-1] if proved else latest
    planned = Planned(name, declared.severity, declared.cadence) if plan is None else plan.get(name, Planned(name))
    return DrillHistory(
        name=name,
        scope=scope,
        severity=planned.severity or latest.severity,
        runs=runs,
        due=due(planned.cadence, moment(proved[-1].at) if proved else None, now),
        success=_success(runs),
        rto=rto_trend(runs),
        regression=regression(runs),
        objectives=_objective_trends(runs, objectives),
    )


def _never_held(planned: Planned, now: datetime) -> DrillHistory:
    return DrillHistory(
        name=planned.name,
        scope=None,
        severity=planned.severity,
        runs=(),
        due=due(planned.cadence, None, now),
        success=Success(0, 0, 0),
        rto=compare([], None),
        regression=Regression(None, 0),
    )


def _success(runs: Sequence[DrillFacts]) -> Success:
    verdicts = [run.verdict for run in runs]
    return Success(*(verdicts.count(verdict) for verdict in ("met", "missed", "unknown")))


def rto_trend(runs: Sequence[DrillFacts]) -> Trend:
    """The latest run's RTO against the earlier ones, of drills that proved anything."""
    return _against_earlier([_measured(figure) for figure in figures_by_run(runs)])


def _measured(figure: Figure) -> Figure | None:
    if not math.isfinite(figure.value):
        return None
    return figure if math.isfinite(figure.high) else Figure(figure.value, figure.low, figure.value)


def _objective_trends(runs: Sequence[DrillFacts], objectives: Objectives) -> dict[tuple[str, str], Judged]:
    """The same for each objective of the load that the latest run has, by name and window."""
    proved = _one_of_each_run(runs)
    if not proved:
        return {}
    told = [{(one.name, one.window): one for one in objectives.get(run.id, ())} for run in proved]
    return {
        key: Judged(latest.target, _against_earlier([_figure(one.get(key)) for one in told]))
        for key, latest in told[-1].items()
    }


def _figure(one: ObjectiveFacts | None) -> Figure | None:
    if one is None:
        return None
    ratio = one.name in RATIOS and one.value is not None and 0 <= one.value <= 1
    return Figure.of_ratio(one.value, one.samples) if ratio else Figure.of(one.value)


def _against_earlier(figures: Sequence[Figure | None]) -> Trend:
    if not figures:
        return compare([], None)
    return compare([figure for figure in figures[:-1] if figure is not None], figures[-1])


def moment(stamp: str) -> datetime:
    """A moment of the tables."""
    return datetime.fromisoformat(stamp)
