"""What drills proved counts for the version that it was proved of, for as long as its cadence, of its own kind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.history.facts import DrillFacts
from muster.history.plan import Planned
from muster.readiness.result import Result
from muster.system.version import SystemVersion

from .standing import BY_TAG, NEXT, PLAN, RUNS, WHEN, assessed, held, looked, proof, result


def said(*drills: DrillFacts, plan: dict[str, Planned] = PLAN, wanted: SystemVersion | None = None) -> Result:
    return result(assessed(known=held(*drills, plan=plan), wanted=wanted), "pod_crash")


def test_a_drill_of_this_version_within_its_cadence_is_fine_and_its_figures_are_told() -> None:
    drill = proof(rpo_value_s=0.0, lost_writes=0, acknowledged_writes=355)
    assert said(drill) == Result("fine", "met 3 d ago, RTO 2.1 s of 30 s, RPO 0 s, 0 of 355 lost")


@pytest.mark.parametrize(
    ("drills", "state", "says"),
    [
        ((), "finding", "was never held on a cluster"),
        ((proof(days_ago=40),), "finding", "met 40 d ago, RTO 2.1 s of 30 s; older than its cadence (monthly)"),
        ((proof(version=NEXT),), "finding", "of another version: Deployment/web/main ran shop:2 (bbbbbbbbbbbb)"),
        ((proof(version=None),), "unknown", "it is of an unknown version"),
        ((proof(version=BY_TAG),), "unknown", "shop:1 in both, and by content not known (no pod runs it)"),
        ((proof(verdict="missed", why="RTO 40 s of 30 s"),), "finding", "missed 3 d ago"),
        ((proof(verdict="unknown", why="not steady"),), "finding", "proved nothing yet on a cluster: unknown"),
        ((proof(rto=2.1, rto_high_s=31.0),), "finding", "today's budget is 30 s"),
        ((proof(evidence="rehearsal"),), "finding", "a rehearsal stands for none (met 3 d ago"),
        ((proof(system="other"),), "finding", "was never held on a cluster"),
    ],
)
def test_other_evidence_is_never_fine(drills: tuple[DrillFacts, ...], state: str, says: str) -> None:
    found = said(*drills)
    assert (found.state, says in found.says) == (state, True), found
    assert found.mend == "muster run drills -k pod_crash"


def test_the_newest_evidence_of_this_very_version_counts_whatever_came_after_of_another() -> None:
    assert said(proof(1, days_ago=9), proof(2, days_ago=1, version=NEXT, verdict="missed")).state == "fine"
    assert said(proof(1, days_ago=9), proof(2, days_ago=1, verdict="unknown")).state == "fine"
    assert said(proof(1, days_ago=9), proof(2, days_ago=1, verdict="missed")).state == "finding"
    assert said(proof(1, days_ago=9, verdict="missed"), proof(2, days_ago=1)).state == "fine"


def test_of_a_repeated_drill_the_missed_repetition_counts() -> None:
    first, second = proof(1, verdict="missed", run="r", repetition=1), proof(2, run="r", repetition=2)
    assert said(first, second).state == "finding"


def test_evidence_is_wanted_of_what_is_released_and_not_of_what_runs() -> None:
    assert said(proof(), wanted=NEXT).state == "finding"
    assert said(proof(version=NEXT), wanted=NEXT).state == "fine"
    assert said(proof(), wanted=BY_TAG).state == "unknown"


def test_a_drill_without_a_cadence_does_not_grow_old() -> None:
    assert said(proof(days_ago=400), plan={"pod_crash": Planned("pod_crash", "P2")}).state == "fine"


def test_where_the_version_is_not_known_no_evidence_is_of_it() -> None:
    found = assessed(looked(without=("system version",)), held(proof()))
    assert result(found, "pod_crash").state == "unknown"
    assert "of which version is not known here" in result(found, "pod_crash").says


def test_without_a_plan_nobody_knows_what_is_to_be_proved() -> None:
    found = assessed(known=held(proof(), plan={}, why="pytest cannot collect drills"))
    assert (result(found, "drills").state, found.answer) == ("unknown", "unknown")
    assert "pytest cannot collect drills" in result(found, "drills").says


def test_a_version_on_record_that_was_changed_is_an_unknown_one() -> None:
    known = held(proof())
    changed = {key: {**content, "lacking": ["a part"]} for key, content in known.versions.items()}
    found = assessed(known=type(known)(known.plan, known.drills, changed))
    assert result(found, "pod_crash").state == "unknown"


@settings(max_examples=30)
@given(
    st.lists(
        st.builds(
            lambda number, days, version, verdict, evidence: proof(
                number, days_ago=days, version=version, verdict=verdict, evidence=evidence
            ),
            st.integers(1, 99),
            st.integers(0, 90),
            st.sampled_from([RUNS, NEXT, BY_TAG, None]),
            st.sampled_from(["met", "missed", "unknown"]),
            st.sampled_from(["cluster", "rehearsal"]),
        ),
        max_size=6,
    )
)
def test_fine_is_only_a_met_drill_of_this_version_here_within_its_cadence(drills: list[DrillFacts]) -> None:
    drills = sorted(drills, key=lambda one: one.at)
    proves = [
        one
        for one in drills
        if (one.version, one.verdict, one.evidence) == (RUNS.key, "met", "cluster")
        and one.at >= proof(days_ago=34.1).at
    ]
    if said(*drills).state == "fine":
        assert proves


def test_age_counts_to_when_it_is_asked_and_not_to_when_was_looked() -> None:
    found = assessed(known=held(proof()), now=WHEN + timedelta(days=60))
    assert result(found, "pod_crash").state == "finding"
