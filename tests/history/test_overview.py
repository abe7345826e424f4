"""Where each drill stands: compared with its like only, overdue by what proved something, and never surer than that."""

from __future__ import annotations

from datetime import timedelta

import pytest

from muster.history.cadence import GRACE, PERIODS, due
from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.history.overview import DrillHistory, overdue, overview
from muster.history.plan import Planned
from muster.history.trend import Change
from muster.history.words import changes, due_line, percent, success_line, trend_line
from muster.plugin.declare import CADENCES

from .history_support import NOW, fact

REHEARSED = [fact(n, days_ago=40 - n, rto=2.0 + n % 3 / 10) for n in range(20)]


def one(drills: list[DrillFacts], **more: object) -> DrillHistory:
    (found,) = overview(drills, {}, None, NOW, **more)  # type: ignore[arg-type]
    return found


def test_the_cadences_are_those_of_the_marker() -> None:
    assert tuple(PERIODS) == CADENCES


def test_a_rehearsal_is_never_compared_with_a_cluster() -> None:
    on_cluster = fact(99, rto=40.0, cluster="staging", evidence="cluster")
    cluster, rehearsal = sorted(overview([*REHEARSED, on_cluster], {}, None, NOW), key=lambda drill: len(drill.runs))
    assert (cluster.rto.change, cluster.success.trials) == (Change.TOO_FEW, 1)
    assert (rehearsal.rto.change, rehearsal.success.trials) == (Change.NONE, 20)


def test_two_systems_or_clusters_are_two_stories() -> None:
    others = [fact(50, system="other"), fact(51, cluster="staging", evidence="cluster"), fact(52, cluster="prod")]
    assert len(overview([*REHEARSED, *others], {}, None, NOW)) == 4


def test_a_drill_that_became_slower_says_so() -> None:
    drill = one([*REHEARSED, fact(30, rto=6.0)])
    assert drill.rto.change is Change.HIGHER
    assert trend_line(drill.rto) == "slower by 3.9 s than the 20 earlier runs (median 2.1 s, spread 0.148 s)"
    (told,) = changes(drill)
    usual = "RTO 6.00 s after a median of 2.10 s and 2.20 s at most"
    assert told == f"db_failure: slower than each of 20 earlier runs: {usual} (by chance once in 21 times)"


def test_a_drill_whose_few_runs_seem_to_change_says_so_and_calls_it_no_regression() -> None:
    drill = one([*REHEARSED[:8], fact(30, rto=6.0)])
    assert drill.regression.found is None
    assert list(changes(drill)) == [f"db_failure: RTO {trend_line(drill.rto)}"]


def test_an_unknown_drill_is_no_trial_no_evidence_and_no_figure() -> None:
    drill = one([fact(1, days_ago=60), fact(2, days_ago=1, verdict="unknown", rto=90.0)])
    assert (drill.success.trials, drill.success.unknown) == (1, 1)
    assert drill.due.latest == NOW - timedelta(days=60)
    assert drill.due.overdue
    assert drill.rto.latest == 2.0


def test_a_drill_that_was_never_begun_forgets_no_cadence() -> None:
    drill = one([fact(1, days_ago=60), fact(2, days_ago=1, verdict="unknown", rto=None, cadence=None)])
    assert drill.due.cadence == "monthly"
    assert drill.due.overdue


def test_a_missed_drill_is_evidence_and_a_failure() -> None:
    drill = one([fact(1, days_ago=60), fact(2, days_ago=1, verdict="missed", rto=90.0)])
    assert not drill.due.overdue
    assert (drill.success.met, drill.success.missed) == (1, 1)


def test_success_is_told_with_how_much_it_proves() -> None:
    text = success_line(one([fact(n) for n in range(12)]).success)
    assert text == "12 of 12 met: more than 77.9 % recover, 95 % sure; 47 more met in a row would show 95 %"
    assert success_line(one([fact(n) for n in range(59)]).success) == "59 of 59 met: more than 95 % recover, 95 % sure"
    assert success_line(one([fact(1, verdict="unknown")]).success) == "no drill came to a verdict (1 unknown)"


@pytest.mark.parametrize(("ratio", "text"), [(0.9999, "99.9 %"), (1.0, "100 %"), (0.9504, "95 %"), (0.0, "0 %")])
def test_a_bound_is_never_rounded_up(ratio: float, text: str) -> None:
    assert percent(ratio) == text


@pytest.mark.parametrize("cadence", PERIODS)
def test_evidence_is_overdue_after_its_period_and_some_grace(cadence: str) -> None:
    limit = PERIODS[cadence] + GRACE
    assert not due(cadence, NOW - limit, NOW).overdue
    assert due(cadence, NOW - limit - timedelta(seconds=1), NOW).overdue


def test_without_a_cadence_nothing_is_ever_due() -> None:
    assert not due(None, None, NOW).overdue
    assert due_line(one([fact(1, days_ago=900, cadence=None)]), NOW) == "no cadence"


@pytest.mark.parametrize(
    ("days", "text"),
    [(30, "monthly, due in 24 h"), (33, "monthly, due since 2 d"), (45, "monthly, overdue by 14 d")],
)
def test_when_a_drill_is_due(days: int, text: str) -> None:
    assert due_line(one([fact(1, days_ago=days)]), NOW) == text


def test_a_planned_drill_that_was_never_held_is_overdue() -> None:
    plan = {name: Planned(name, "P1", cadence) for name, cadence in (("new", "yearly"), ("odd", None))}
    found = overdue(overview([fact(1)], {}, plan, NOW))
    assert [drill.name for drill in found] == ["new"]
    assert due_line(found[0], NOW) == "yearly, never held"


def test_a_drill_that_is_planned_no_longer_is_never_overdue() -> None:
    old = [fact(1, days_ago=400)]
    assert overdue(overview(old, {}, None, NOW))
    assert not overdue(overview(old, {}, {}, NOW))


def test_the_plan_says_what_the_cadence_is_now() -> None:
    held = [fact(1, days_ago=60, cadence="monthly")]
    assert not overdue(overview(held, {}, {"db_failure": Planned("db_failure", "P1", "quarterly")}, NOW))


def test_the_newest_evidence_of_a_kind_counts_on_whichever_cluster() -> None:
    old = fact(1, days_ago=400, cluster="staging", evidence="cluster")
    new = fact(2, days_ago=2, cluster="prod", evidence="cluster")
    assert not overdue(overview([old, new], {}, None, NOW))
    rehearsed = fact(3, days_ago=2)
    assert [drill.latest for drill in overdue(overview([old, rehearsed], {}, None, NOW))] == [old]


def objectives(value: float, number: int, name: str = "latency_p95", target: float = 1.0) -> list[ObjectiveFacts]:
    return [ObjectiveFacts(number, name, "after", target, value, 1000, "met")]


def test_an_objective_that_became_worse_is_told_if_it_matters() -> None:
    runs = [*REHEARSED, fact(30)]
    series = {drill.id: objectives(0.2 + drill.id % 3 / 100, drill.id) for drill in runs}

    def told(latest: float) -> list[str]:
        (drill,) = overview(runs, {**series, 30: objectives(latest, 30)}, None, NOW)
        return list(changes(drill))

    assert told(0.6)[0].startswith("db_failure: latency_p95 after higher by 0.39 s than the 20 earlier runs")
    assert told(0.245) == []  # nothing of a target of 1 s
    assert told(0.01) == []  # better


def test_of_goodput_less_is_worse() -> None:
    runs = [*REHEARSED, fact(30)]
    series = {drill.id: objectives(300.0 + drill.id % 3, drill.id, "goodput", 270.0) for drill in runs}
    (drill,) = overview(runs, {**series, 30: objectives(200.0, 30, "goodput", 270.0)}, None, NOW)
    assert "goodput after lower by 101/s than" in next(changes(drill))
