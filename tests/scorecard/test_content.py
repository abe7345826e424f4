"""What a scorecard says of drills, incidents and indicators, without a page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.history.history_support import NOW, fact
from tests.incidents.made import incident

from muster.history.facts import DrillFacts
from muster.history.overview import overview
from muster.history.plan import Planned
from muster.incidents.incident import Entry, Incident
from muster.scorecard import Scorecard, scorecard
from muster.scorecard.chart import chart
from muster.scorecard.document import as_json

STAGING = {"cluster": "staging", "evidence": "cluster"}
PLAN = {
    "db_failure": Planned("db_failure", "P1", "monthly", fault="db-failure", recovery="promote-standby", budget_s=30.0),
    "pod_crash": Planned("pod_crash", "P2", "monthly", fault="pod-crash", recovery="repair-crashed-pods"),
}


def of(*facts: DrillFacts, incidents: tuple[tuple[Incident, list[Entry]], ...] = ()) -> Scorecard:
    found = overview(facts, {}, PLAN, NOW)
    return scorecard(found, PLAN, indicators=[], incidents=incidents, since=NOW - timedelta(days=365), now=NOW)


def test_a_rehearsal_proves_nothing_of_a_cluster() -> None:
    card = of(fact(1, days_ago=2))
    assert card.proven("cluster") == []
    assert card.proven("rehearsal") == ["db_failure"]
    assert [proof.evidence for cell in card.cells for proof in cell.proofs] == ["rehearsal"]


def test_each_kind_of_evidence_is_as_old_as_its_own_newest_verdict() -> None:
    facts = (fact(1, days_ago=50, **STAGING), fact(2, days_ago=3), fact(3, days_ago=1, verdict="unknown", rto=None))
    (cell,) = [cell for cell in of(*facts).cells if cell.fault == "db-failure"]
    assert [(one.evidence, round(one.days), one.verdict, one.stale) for one in cell.proofs] == [
        ("cluster", 50, "met", True),
        ("rehearsal", 3, "met", False),
    ], "what is unknown renews no evidence"


def test_what_was_held_before_the_time_that_is_shown_is_not_forgotten() -> None:
    card = of(fact(1, days_ago=400, cadence="yearly"))
    (drill,) = [drill for drill in card.drills if drill.name == "db_failure"]
    assert (len(drill.points), drill.shown, card.runs) == (1, (), ())
    assert card.never == ["pod_crash"]
    assert [round(proof.days) for cell in card.cells for proof in cell.proofs] == [400]


def test_what_was_planned_and_never_held_is_named_and_overdue() -> None:
    card = of(fact(1))
    assert card.never == ["pod_crash"]
    assert card.overdue == ("pod_crash: monthly, never held",)
    (cell,) = [cell for cell in card.cells if cell.fault == "pod-crash"]
    assert cell.proofs == ()


def test_what_was_not_met_when_last_held_stands_first_the_missed_before_the_unknown() -> None:
    facts = (
        fact(1, days_ago=3, verdict="met"),
        fact(2, days_ago=2, verdict="unknown", rto=None, why="did not land"),
        fact(3, days_ago=2, verdict="missed", rto=50.0, name="pod_crash", why="RTO 50 s > budget 30 s"),
    )
    assert [(drill.name, point.why) for drill, point in of(*facts).failing] == [
        ("pod_crash", "RTO 50 s > budget 30 s"),
        ("db_failure", "did not land"),
    ]


def test_a_run_is_what_its_worst_drill_is() -> None:
    same = {"run": "run-7"}
    facts = (fact(1, **same), fact(2, verdict="unknown", name="pod_crash", **same), fact(3, days_ago=1))
    runs = of(*facts).runs
    assert [(run.id, run.verdict, run.met, run.missed, run.unknown) for run in runs] == [
        ("run-7", "unknown", 1, 0, 1),
        ("run-3", "met", 1, 0, 0),
    ], "the newest first"


def test_only_what_is_not_resolved_is_open_and_who_is_to_be_asked_stands_beside_it() -> None:
    old = (NOW - timedelta(hours=1)).isoformat()
    waiting = replace(incident(), began=old, detected=old, opened=old)
    over = replace(waiting, id="I-2", resolved=NOW.isoformat())
    card = of(incidents=((waiting, []), (over, [])))
    assert [one.incident.id for one in card.incidents] == [waiting.id]
    assert card.incidents[0].next.startswith("ask ")


def test_the_document_holds_the_same_and_is_json() -> None:
    told = json.loads(json.dumps(as_json(of(fact(1), fact(2, **STAGING)))))
    (drill,) = [one for one in told["drills"] if one["name"] == "db_failure"]
    assert (drill["runs"], drill["latest"]["cluster"]["cluster"]) == (2, "staging")


@pytest.mark.parametrize("rto", [1e-6, 0.004, 2.0, 29.9, 7200.0, None])
def test_a_picture_holds_each_point_within_its_frame_and_says_in_words_what_it_shows(rto: float | None) -> None:
    card = of(fact(1, rto=rto, days_ago=3, why="<b>"), fact(2, rto=rto, verdict="missed", why="a & <b>", **STAGING))
    drawn = chart(next(drill for drill in card.drills if drill.name == "db_failure"), "c")
    assert drawn.count("<g class=") == 2
    assert "<b>" not in drawn
    assert 'class="cluster missed"' in drawn
    assert 'class="rehearsal met"' in drawn
    assert '<title id="c">db_failure: ' in drawn
    assert "NaN" not in drawn
