"""A drill that was repeated: what its repetitions prove, in figures and in two lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.objectives.declaration import Repetition
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.many.repeated import Outcome, RepeatEntry, evidence_lines, percent, repeat_of, repeats_of
from muster.verdict.testing import DrillStory


def held(met: int, missed: int = 0, unknown: int = 0, *, claim: float | None = None, reset: bool = True) -> RepeatEntry:
    outcomes = [Outcome(Verdict.MET, 0.8 + n / 100, 0.82 + n / 100) for n in range(met)]
    outcomes += [Outcome(Verdict.MISSED, None, None)] * missed + [Outcome(Verdict.UNKNOWN, 0.1, 0.2)] * unknown
    return repeat_of("db_failure", outcomes, total=len(outcomes), claim=claim, reset=reset)


def test_ten_of_ten_in_two_lines() -> None:
    first, second = evidence_lines(held(10))
    proof = "with 95 % confidence at least 74.1 % recover"
    assert first == f"db_failure: 10 of 10 met; {proof}; to claim more than 95 %: 59 in a row, 49 more"
    figures = "RTO of 10: 0.80 to 0.89 s, median 0.84 s, P90 0.88 s, P95 0.89 s"
    assert second == f"{figures}; an upper bound of the P95: needs 59"


def test_fifty_nine_of_fifty_nine_and_not_one_fewer() -> None:
    proved, short = held(59), held(58)
    assert (proved.success.proved, proved.success.needed) == (True, 0)
    assert (short.success.proved, short.success.needed) == (False, 1)
    first, second = evidence_lines(proved)
    assert first.endswith("at least 95 % recover; so more than 95 % do")
    assert second.endswith("with 95 % confidence the P95 of all such recoveries is at most 1.40 s")
    assert short.rto.p95_high_why == "needs 59"


def test_missed_and_unknown_are_no_successes() -> None:
    for entry in (held(57, missed=2), held(57, unknown=2), held(57, missed=1, unknown=1)):
        assert entry.success.low_95 == pytest.approx(0.8975, abs=1e-3)
        assert not entry.success.proved
    assert "57 of 59 met, 1 missed, 1 unknown;" in evidence_lines(held(57, 1, 1))[0]
    assert "more met in a row" in evidence_lines(held(57, 1, 1))[0]


def test_figures_are_of_drills_that_came_to_a_verdict() -> None:
    rto = held(57, missed=1, unknown=1).rto
    assert (rto.n, rto.unmeasured, rto.min_s) == (57, 2, 0.8)
    assert (rto.p95_high_s, rto.p95_high_why) == (None, "too many have no figure")
    assert ", 2 without a figure" in evidence_lines(held(57, 1, 1))[1]


def test_none_met_and_none_measured() -> None:
    first, second = evidence_lines(held(0, unknown=3))
    assert first.startswith("db_failure: 0 of 3 met, 3 unknown; none of them shows a recovery; to claim more than ")
    assert second == "no RTO was measured, 3 without a figure"


def test_repetitions_that_did_not_come_to_an_end_are_told() -> None:
    (first, _) = evidence_lines(held(3).model_copy(update={"total": 59}))
    assert first.startswith("db_failure: 3 of 3 met (asked for: 59); with")


def test_a_cluster_that_nobody_resets_is_told() -> None:
    assert evidence_lines(held(10, reset=False))[1].endswith("; the system was not reset between them")


@pytest.mark.parametrize(
    ("counts", "claim", "verdict"),
    [
        ((59,), 0.95, "met"),
        ((58,), 0.95, "unknown"),
        ((10,), 0.5, "met"),
        ((57, 2), 0.95, "unknown"),
        ((5, 5), 0.95, "missed"),
        ((0, 0, 59), 0.95, "unknown"),  # nobody saw one fail
        ((1, 0, 0), 0.001, "met"),
    ],
)
def test_a_claim_is_met_unknown_or_missed(counts: tuple[int, ...], claim: float, verdict: str) -> None:
    assert held(*counts, claim=claim).success.verdict == verdict
    assert held(*counts).success.verdict is None


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 80), st.floats(0.01, 0.99))
def test_never_more_than_there_is_evidence_for(met: int, missed: int, unknown: int, claim: float) -> None:
    if not met + missed + unknown:
        return
    entry = held(met, missed, unknown, claim=claim)
    assert entry.success.low_95 <= entry.success.value
    assert (entry.success.verdict is Verdict.MET) == entry.success.proved == (entry.success.needed == 0)
    if entry.success.verdict is Verdict.MISSED:
        assert missed > 0
        assert (met + unknown) / (met + missed + unknown) < claim
    assert len(evidence_lines(entry)) == 2


@given(st.floats(0, 1))
def test_a_bound_is_never_rounded_up(ratio: float) -> None:
    assert float(percent(ratio).removesuffix(" %")) <= 100 * ratio + 1e-6


def test_entries_are_gathered_by_the_drill_that_they_repeat() -> None:
    def entry(name: str, number: int) -> DrillVerdict:
        repetition = Repetition(of=name, number=number, total=2)
        return DrillVerdict(name=f"{name}-{number}-of-2", repetition=repetition, verdict=Verdict.MET)

    drills = [entry("a", 1), DrillVerdict(name="once"), entry("b", 1), entry("a", 2)]
    found = repeats_of(drills, claim=None, reset=True)
    assert [(one.name, one.runs, one.total) for one in found] == [("a", 2, 2), ("b", 1, 2)]


def test_the_timeline_alone_tells_which_repetition_it_is_of() -> None:
    repetition = {"of": "db_failure", "number": 3, "total": 59}
    entry = judge(DrillStory(declared={"name": "db_failure-3-of-59", "repetition": repetition}).events())
    assert entry.to_json()["repetition"] == repetition
    assert judge(DrillStory().events()).to_json()["repetition"] is None
