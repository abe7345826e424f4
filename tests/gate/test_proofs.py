"""What is on record of this very version."""

from __future__ import annotations

from typing import Any

import pytest

from muster.gate.answers import Baseline
from muster.gate.proofs import drills, performance
from muster.gate.subject import Proven
from muster.history.plan import Planned

from .held import OTHER, drill, latency, said, subject, version

VERSIONS = {"this": version(), "other": version(OTHER)}
PLAN = {"db_failure": Planned("db_failure", "P1", "monthly"), "slow": Planned("slow", "P3", "monthly")}


def proven(*held: Any, plan: Any = PLAN) -> tuple[str, str, str, Any]:
    found = dict(drills(subject(proven=Proven(plan=plan, drills=held, versions=VERSIONS))))
    ((name, one),) = found.items()
    return name, *said(one), one.evidence


def test_a_drill_that_was_met_on_this_version_proves_it() -> None:
    assert proven(drill(1)) == ("drill db_failure", "met", "met 14 h ago, RTO 2 s", "cluster")


@pytest.mark.parametrize(
    ("held", "outcome", "says"),
    [
        ([], "unknown", "it was never held"),
        ([drill(1, version="other")], "unknown", "last held 14 h ago, of another version: Deployment/shop/shop ran"),
        ([drill(1, version=None)], "unknown", "of another version: it is of an unknown version"),
        ([drill(1, verdict="unknown", why="a blind spot")], "unknown", "unknown then: a blind spot"),
        ([drill(2), drill(1, verdict="missed", why="too slow")], "missed", "missed 14 h ago: too slow"),
        ([drill(1, at="2026-01-01T00:00:00.000Z")], "unknown", "which is too long"),
        ([drill(1, system="bank")], "unknown", "it was never held"),
    ],
)
def test_what_does_not_prove_it_says_why(held: list[Any], outcome: str, says: str) -> None:
    _, found, why, _ = proven(*held)
    assert found == outcome
    assert says in why


def test_a_cluster_s_evidence_goes_before_a_rehearsal_s_that_is_newer() -> None:
    rehearsed = drill(1, evidence="rehearsal", cluster="embedded", verdict="missed", why="slow machine")
    assert proven(drill(2), rehearsed)[1:] == ("met", "met 15 h ago, RTO 2 s", "cluster")
    assert proven(drill(1, evidence="rehearsal"))[3] == "rehearsal"


def test_of_repetitions_the_worst_counts() -> None:
    assert proven(drill(1, run="a", verdict="missed", why="once"), drill(1, run="a"))[1] == "missed"


def test_drills_that_nobody_knows_are_unknown() -> None:
    assert proven(plan="pytest cannot collect them")[:2] == ("drills", "unknown")
    assert proven(plan={"slow": PLAN["slow"]})[:3] == (
        "drills",
        "unknown",
        "the project has no drill of severity P1, P2",
    )


BASELINE = Baseline("5.1", "sha256:before", "2026-02-28T12:00:00.000Z")


def quick(latest: float, earlier: list[float], baseline: Baseline | None = BASELINE) -> tuple[str, str]:
    """The shop's latency in the steady state of its drills, now and up to the baseline."""
    before = [drill(40 + n, version="other") for n in range(len(earlier))]
    held = [*before[::-1], drill(1)]
    told = {1: [latency(1, latest)]} | {
        one.id: [latency(one.id, value)] for one, value in zip(before, earlier, strict=True)
    }
    record = Proven(plan=PLAN, drills=held, versions=VERSIONS, objectives=told, baseline=baseline)
    return said(performance(subject(proven=record)))


EARLIER = [0.10, 0.11, 0.10, 0.12, 0.11, 0.10, 0.12, 0.11]


def test_it_is_as_quick_as_the_baseline() -> None:
    assert quick(0.11, EARLIER) == ("met", "no worse in 1 figures than 5.1")
    assert quick(0.02, EARLIER)[0] == "met", "quicker is no worse"


def test_a_regression_beyond_noise_is_missed() -> None:
    outcome, why = quick(0.6, EARLIER)
    assert outcome == "missed"
    assert why.startswith("worse than 5.1: db_failure, latency_p95: higher by 0.49 s than the 8 earlier runs")


def test_what_is_worse_than_noise_but_matters_to_nobody_is_none() -> None:
    assert quick(0.14, [0.1] * 8)[0] == "met"


def test_without_a_baseline_or_with_too_little_it_is_unknown() -> None:
    assert quick(0.11, EARLIER, None) == ("unknown", "no other version is kept to hold it against")
    assert quick(0.11, EARLIER[:3])[0] == "unknown"
    early = Baseline("5.0", "sha256:x", "2026-01-01T00:00:00.000Z")
    assert quick(0.11, EARLIER, early)[0] == "unknown", "what was measured after the baseline is none of it"


def test_one_of_many_figures_may_be_worse_by_chance() -> None:
    names = [f"drill_{n}" for n in range(30)]
    held, told = [], {}
    for place, name in enumerate(names):
        for n, value in enumerate([*EARLIER, 0.6 if place == 0 else 0.11]):
            number, ours = place * 100 + n, n == len(EARLIER)
            held.append(drill(1 if ours else 40 - n, name, id=number, version="this" if ours else "other"))
            told[number] = [latency(number, value)]
    record = Proven(plan=PLAN, drills=held, versions=VERSIONS, objectives=told, baseline=BASELINE)
    outcome, why = said(performance(subject(proven=record)))
    assert (outcome, why) == ("unknown", "1 of 30 figures are worse, which may be chance: hold the drills again")
