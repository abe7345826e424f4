"""What is to be done after a look: bad releases go back at once, good ones go on, and no data never promotes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.analysis import Action, Counted, Look, Phase, Plan, Side, State, TriggerVerdict, Value, decide
from muster.base.errors import UsageError
from muster.system.release_analysis import ErrorRate, ReleaseAnalysis

from .analysis_support import ERRORS, LATENCY, SHORT, latencies, look, played, side

MEMORY = ReleaseAnalysis(error_rate=None, latency=None, failed_agents=None, workflow_errors=None, cpu=None)
AGENTS = ReleaseAnalysis(error_rate=None, latency=None, workflow_errors=None, cpu=None, memory=None)
WELL = [look(at, side(25.0 * at, 0.0)) for at in range(10, 601, 10)]


def test_five_of_five_failed_requests_act_at_once() -> None:
    (decision,), _ = played([look(10, side(5, 5))])
    assert decision.action is Action.ROLL_BACK
    assert decision.why == "100 % of 5 requests failed on canary, limit 0.5 %, stable 0 %"


@pytest.mark.parametrize(("requests", "failed"), [(1, 1), (4, 1), (50, 1), (400, 2)])
def test_what_chance_may_bring_does_not_abort(requests: int, failed: int) -> None:
    (decision,), _ = played([look(10, side(requests, failed))])
    assert decision.action is Action.GO_ON


def test_a_good_release_is_promoted_when_its_bake_is_over_and_not_before() -> None:
    decisions, _ = played(WELL)
    assert [one.action for one in decisions[:-1]] == [Action.GO_ON] * 59
    assert decisions[-1].action is Action.PROMOTE
    assert decisions[-1].judgements[0].verdict is TriggerVerdict.FINE
    assert decisions[-1].why == "baked for 10 min at 20 % of the traffic and not worse"


def test_the_reason_has_its_figures() -> None:
    decisions, _ = played(look(at, side(84.0 * at, 2 * at), side(1000.0 * at, 0.2 * at)) for at in range(10, 101, 10))
    (said,) = next(one for one in decisions if one.action is Action.ROLL_BACK).judgements
    assert said.reason == "2.4 % of 1,680 requests failed on canary, limit 0.5 %, stable 0.02 %"
    assert said.verdict is TriggerVerdict.WORSE


def test_worse_than_stable_is_worse_although_the_limit_is_kept() -> None:
    decisions, _ = played(look(at, side(100.0 * at, 0.3 * at), side(400.0 * at, 0.1 * at)) for at in range(10, 601, 10))
    assert decisions[-1].action is Action.ROLL_BACK
    assert "failed on canary, on stable 0.025 % of" in decisions[-1].why
    assert decisions[-1].why.endswith("more than 2 times as many")


def test_as_bad_as_stable_below_the_limit_is_no_finding() -> None:
    decisions, _ = played(look(at, side(100.0 * at, 0.3 * at), side(400.0 * at, 1.2 * at)) for at in range(10, 601, 10))
    assert {one.action for one in decisions[:-1]} == {Action.GO_ON}
    assert decisions[-1].action is Action.PROMOTE


def test_a_burst_of_seconds_on_both_aborts_nothing_and_a_lasting_fault_is_said_to_be_alike() -> None:
    def struck(until: int) -> Iterator[Look]:
        for at in range(10, 601, 10):
            failed = 10.0 * min(at, until)
            yield look(at, side(10.0 * at, failed), side(40.0 * at, 4 * failed))

    short, _ = played(struck(10))
    assert short[-1].action is not Action.ROLL_BACK
    lasting, _ = played(struck(600))
    first = next(one for one in lasting if one.action is Action.ROLL_BACK)
    assert 60 < first.baked_s < 300
    assert first.judgements[0].alike
    assert first.why.endswith("stable is over it as well, so the release may not be the reason")


def test_a_kind_of_request_that_fails_is_seen_in_the_crowd() -> None:
    def by_kind(at: float) -> Look:
        kinds = {"rest": Counted(requests=98.0 * at, failed=0.1 * at), "search": Counted(requests=2.0 * at, failed=at)}
        beside = {
            "rest": Counted(requests=392.0 * at, failed=0.4 * at),
            "search": Counted(requests=8.0 * at, failed=0.01 * at),
        }
        canary = side(1000.0 * at, 1.1 * at, kinds=kinds)
        return look(at, canary, side(4000.0 * at, 4.4 * at, kinds=beside))

    decisions, _ = played(by_kind(at) for at in range(10, 61, 10))
    assert decisions[-1].action is Action.ROLL_BACK
    assert "requests 'search' failed on canary" in decisions[-1].why


def test_slower_than_the_limit_and_slower_than_stable() -> None:
    above, _ = played(
        (
            look(at, side(latency=latencies(0, 0, at, at, 10.0 * at)), side(latency=latencies(0, 0, at, at, 40.0 * at)))
            for at in range(10, 601, 10)
        ),
        LATENCY,
    )
    assert "took more than 1 s on canary, limit 5 %" in next(one.why for one in above if one.action is Action.ROLL_BACK)
    beside, _ = played(
        (
            look(
                at,
                side(latency=latencies(2.0 * at, 10.0 * at, 10.0 * at, 10.0 * at, 10.0 * at)),
                side(latency=latencies(36.0 * at, 40.0 * at, 40.0 * at, 40.0 * at, 40.0 * at)),
            )
            for at in range(10, 101, 10)
        ),
        LATENCY,
    )
    assert beside[-1].action is Action.ROLL_BACK
    assert "took more than 0.1 s on canary, on stable 10 % of" in beside[-1].why


def test_in_the_last_phase_the_limits_alone_hold() -> None:
    plan = Plan((Phase("switch", 1.0, 60.0),))
    decisions, _ = played(
        (look(at, side(50.0 * at), Side(), phase="switch", share=1) for at in range(10, 61, 10)), plan=plan
    )
    assert decisions[-1].action is Action.PROMOTE
    failing = [look(at, side(50.0 * at, 50.0 * at), Side(), phase="switch", share=1) for at in range(10, 121, 10)]
    assert any(one.action is Action.ROLL_BACK for one in played(failing, plan=plan)[0])


# No data


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (Side(missing={"requests": "Prometheus did not answer in 2 s"}), "Prometheus did not answer in 2 s"),
        (side(math.nan, 0), "0 failed of nan are no counts"),
        (side(10, math.inf), "inf failed of 10 are no counts"),
        (side(100, -1), "-1 failed of 100 are no counts"),
        (Side(), "no reading"),
    ],
)
def test_no_data_holds_and_is_rolled_back_in_the_end(missing: Side, why: str) -> None:
    gone = [look(at, missing) for at in range(600, 1001, 10)]
    decisions, _ = played([*WELL[:-1], *gone])
    held = decisions[len(WELL) - 1 :]
    assert [one.action for one in held[:30]] == [Action.HOLD] * 30
    assert held[0].why == f"requests of canary could not be seen: {why}"
    assert held[30].action is Action.ROLL_BACK
    assert held[30].why.startswith("held for 5.2 min, which is too long: requests of canary")


def test_without_data_of_stable_it_is_held_where_it_is_compared_with() -> None:
    gone = Side(missing={"requests": "it is gone"})
    (decision,), _ = played([look(10, side(100, 0), gone)])
    assert (decision.action, decision.why) == (Action.HOLD, "requests of stable could not be seen: it is gone")
    alone = ERRORS.model_copy(update={"error_rate": ErrorRate(compare="limit")})
    assert played([look(10, side(100, 0), gone)], alone)[0][0].action is Action.GO_ON


def test_too_few_samples_hold_at_the_end_of_the_bake_and_say_which() -> None:
    decisions, _ = played(look(at, side(at / 10, 0)) for at in range(10, 1001, 10))
    assert decisions[59].action is Action.HOLD
    assert decisions[59].why == "error_rate: 60 samples of 300 that are needed"
    assert decisions[-1].action is Action.ROLL_BACK


def test_counters_that_stand_still_are_no_data() -> None:
    """The last answer of a metrics server that is gone, again and again."""
    stuck = [look(at, side(2500, 0), side(10000, 0)) for at in range(110, 700, 10)]
    decisions, _ = played([*WELL[:10], *stuck])
    assert Action.PROMOTE not in {one.action for one in decisions}
    held = next(one for one in decisions if one.action is Action.HOLD)
    assert held.why.startswith("no request reached canary for 10 s, where about 250 were due")


def test_a_restart_is_no_success_and_what_comes_after_it_counts() -> None:
    decisions, state = played([look(10, side(1000, 900)), look(20, side(50, 50)), look(30, side(150, 50))])
    assert decisions[1].judgements[0].reason == decisions[0].why  # worse already, and stays so
    decisions, state = played([look(10, side(1000, 0)), look(20, side(50, 0)), look(30, side(150, 0))])
    assert decisions[1].why == "requests of canary could not be seen: its counts went back (a restart?)"
    assert decisions[2].action is Action.GO_ON
    assert state.total["canary"]["requests"]["requests"] == 1100


def test_who_restarts_all_the_time_is_never_promoted() -> None:
    decisions, _ = played(look(at, side(100.0 if at % 20 else 50.0 - at / 100, 0)) for at in range(10, 3000, 10))
    assert Action.PROMOTE not in {one.action for one in decisions[:100]}


def test_a_clock_that_jumps_bakes_nothing() -> None:
    at = (10, 100_000, 20)
    decisions, _ = played(look(one, side(1000 * n, 0), side(4000 * n, 0)) for n, one in enumerate(at, 1))
    assert [one.baked_s for one in decisions] == [10, 20, 30]
    assert [one.action for one in decisions] == [Action.GO_ON] * 3


READINGS = st.one_of(st.none(), st.just(math.nan), st.floats(-10, 1000), st.integers(0, 1000))


@settings(max_examples=60)
@given(st.lists(st.tuples(READINGS, READINGS), min_size=10, max_size=40))
def test_no_data_never_promotes(readings: list[tuple[float | None, float | None]]) -> None:
    plan, quick = Plan((Phase("canary", 0.2, 50.0),)), ERRORS.model_copy(update={"error_rate": ErrorRate(least=50)})
    looks = [look(10.0 * n, side(*reading)) for n, reading in enumerate(readings, 1)]
    decisions, _ = played(looks, quick, plan)
    seen = 0.0
    for one, (requests, failed) in zip(decisions, readings, strict=True):
        there = requests is not None and failed is not None and math.isfinite(requests) and failed >= 0
        seen = max(seen, one.judgements[0].samples)
        if one.action is Action.PROMOTE:
            assert there, "promoted at a look without data"
            assert seen >= 50, "promoted with too few samples"
            assert one.baked_s >= 50


# Values


def agents(at: float, failed: float, beside: float = 0.0) -> Look:
    return look(at, side(failed_agents=Value(value=failed)), side(failed_agents=Value(value=beside)))


def test_a_value_above_its_limit_has_to_last() -> None:
    decisions, _ = played([agents(10, 6), agents(20, 5), agents(30, 7), agents(40, 7)], AGENTS)
    assert [one.action for one in decisions] == [Action.GO_ON] * 3 + [Action.ROLL_BACK]
    assert decisions[-1].why == "7 failed agents on canary, limit 5, stable 0, 2 looks running"


def test_a_value_that_stable_has_as_well_is_said_to() -> None:
    decisions, _ = played([agents(10, 9, 9), agents(20, 9, 9)], AGENTS)
    assert decisions[-1].action is Action.ROLL_BACK
    assert decisions[-1].why.endswith("so the release may not be the reason")


def test_a_leak_is_seen_beside_stable_before_the_limit() -> None:
    def leaking(at: float) -> Look:
        return look(at, side(memory=Value(value=0.4 + at / 1000)), side(memory=Value(value=0.4)))

    decisions, _ = played([leaking(at) for at in range(10, 400, 10)], MEMORY)
    first = next(one for one in decisions if one.action is Action.ROLL_BACK)
    assert first.why == "memory 66 % on canary, limit 90 %, stable 40 %: more than 1.5 times as much, 6 looks running"


@pytest.mark.parametrize("reading", [None, Value(value=math.nan), Value(value=-1), Value(value=3, samples=0)])
def test_a_value_that_is_none_holds(reading: Value | None) -> None:
    (decision,), _ = played([look(10, side(failed_agents=reading))], AGENTS)
    assert decision.action is Action.HOLD
    assert decision.why.startswith("failed agents of canary could not be seen: ")


# Through time


def test_what_was_shown_to_be_worse_stays_so() -> None:
    decisions, _ = played([look(10, side(5, 5)), look(20, side(100_000, 5))])
    assert [one.action for one in decisions] == [Action.ROLL_BACK] * 2
    assert decisions[1].why == decisions[0].why


def test_a_new_phase_begins_anew() -> None:
    plan = Plan((Phase("canary", 0.2, 600.0), Phase("half", 0.5, 600.0)))
    looks = [look(10, side(5, 5)), look(10, side(100, 0), phase="half", share=0.5)]
    decisions, state = played(looks, plan=plan)
    assert decisions[1].action is Action.GO_ON
    assert (state.phase, state.baked_s) == ("half", 10)


def test_a_phase_that_is_not_planned_is_refused() -> None:
    with pytest.raises(UsageError, match=r"phase 'hlaf' is not in the plan of the release \(there are: canary\)"):
        decide(look(10, side(1, 0), phase="hlaf"), State(), SHORT, ERRORS)


LOOKS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 160), st.integers(0, 3)), min_size=2, max_size=12
)


def told(counts: list[tuple[int, int, int, int]], more: tuple[int, int] = (0, 0)) -> list[Look]:
    """Looks by what is new at each; `more` failures of canary and of stable at the last one."""
    found, totals = list[Look](), [0, 0, 0, 0]
    for number, (requests, failed, beside, beside_failed) in enumerate(counts, 1):
        last = more if number == len(counts) else (0, 0)
        new = (requests + 10, failed + last[0], beside + 10, beside_failed + last[1])
        totals = [old + added for old, added in zip(totals, new, strict=True)]
        found.append(look(10.0 * number, side(*totals[:2]), side(*totals[2:])))
    return found


@given(LOOKS)
def test_what_is_carried_on_may_be_kept_as_json_between_two_looks(counts: list[tuple[int, int, int, int]]) -> None:
    looks = told(counts)
    through, state = played(looks)
    kept = State()
    for one in looks:
        decision, kept = decide(one, State.from_json(json.loads(json.dumps(kept.to_json()))), SHORT, ERRORS)
    assert decision.action is through[-1].action
    assert decision.to_json() == through[-1].to_json()
    assert kept.table.rows == state.table.rows


@given(LOOKS, st.integers(0, 7))
def test_more_failures_never_look_better_and_more_of_stable_never_worse(
    counts: list[tuple[int, int, int, int]], more: int
) -> None:
    as_it_was = played(told(counts))[0][-1].action is Action.ROLL_BACK
    assert as_it_was <= (played(told(counts, (more, 0)))[0][-1].action is Action.ROLL_BACK)
    assert as_it_was >= (played(told(counts, (0, more)))[0][-1].action is Action.ROLL_BACK)


def test_what_is_kept_in_the_cluster_is_small() -> None:
    looks = [
        look(
            at, side(100.0 * at, at, latency=latencies(at, at, at, at, at)), side(latency=latencies(at, at, at, at, at))
        )
        for at in range(10, 101, 10)
    ]
    _, state = played(looks, ReleaseAnalysis().without("failed_agents", "workflow_errors", "cpu", "memory"))
    assert len(json.dumps(state.to_json())) < 10_000
