"""A drill that overloads on purpose: what is refused cleanly is no violation, but service is not back before it
ends."""

from __future__ import annotations

from typing import Any

import pytest

from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.entry import SloEntry
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage

MET, MISSED, UNKNOWN = Verdict.MET, Verdict.MISSED, Verdict.UNKNOWN
OBJECTIVES = [
    {"name": "error_rate", "target": 0.01},
    {"name": "latency_p95", "target": 1.0, "windows": ["before", "during", "after"]},
    {"name": "goodput", "target": 100.0, "windows": ["during", "after"]},
    {"name": "refusal_latency", "target": 0.05},
    {"name": "refused_rate", "target": 0.001},
]
REFUSING = Outage(5.1, 9.0, "shed", share=0.5)
EVERY = 0.004  # 250 requests/s: 125 of them good while half is refused


def story(**changes: Any) -> DrillStory:
    """Struck at 5 s; half of all requests are refused from 5.1 s to 9 s; capacity is added from 7 s to 9.5 s."""
    told: dict[str, Any] = {
        "outages": [REFUSING],
        "load": Asking("load", EVERY),
        "recovery": (6.0, 9.5),
        "steps": [("add replicas", 7.0, 9.4, "done")],
        **changes,
    }
    declared = {"overload": True, "recovery": "add-capacity", "objectives": OBJECTIVES, **told.pop("declared", {})}
    return DrillStory(declared=declared, **told)


def judged(**changes: Any) -> DrillVerdict:
    return judge(story(**changes).events())


def slo(entry: DrillVerdict, name: str, window: str) -> SloEntry:
    return next(slo for slo in entry.slo if (slo.name, slo.window) == (name, window))


def test_an_overload_that_the_procedure_ended_is_met() -> None:
    entry = judged()
    assert entry.verdict is MET, entry.reasons
    assert entry.recovered_by == "add-capacity"
    assert entry.disruption.violations == 0
    assert entry.disruption.shed > 0
    assert slo(entry, "refused_rate", "after").value == 0
    assert slo(entry, "goodput", "during").value == pytest.approx(150, abs=30)
    assert slo(entry, "refusal_latency", "during").samples > 100


def test_the_disruption_lasts_from_the_first_refusal_until_nothing_is_refused_any_more() -> None:
    entry = judged()
    # The procedure ends half a second after the last refusal, and no end lies before that.
    assert entry.rto.value_s == pytest.approx(9.5 - 5.1, abs=0.05)
    assert entry.disruption.first is not None
    assert entry.disruption.first.endswith("shed")
    later = judged(outages=[Outage(5.1, 12.0, "shed", share=0.5)])
    assert later.rto.value_s == pytest.approx(12.0 - 5.1, abs=0.1)
    assert later.verdict is MET, later.reasons


def test_a_procedure_after_which_the_excess_is_still_refused_has_not_recovered() -> None:
    entry = judged(outages=[Outage(5.1, 30.0, "shed", share=0.5)], declared={"rto_budget_s": 15.0})
    assert entry.verdict is MISSED, entry.reasons
    assert entry.rto.value_s is None
    assert entry.recovered_by is None


def test_an_excess_that_went_by_itself_proves_no_procedure() -> None:
    alone = Outage(5.1, 6.5, "shed", share=0.5)
    entry = judged(outages=[alone], recovery=(9.0, 9.5), steps=[("add replicas", 9.0, 9.5, "done")])
    assert entry.recovered_by == "platform"
    assert entry.verdict is UNKNOWN


def test_a_few_refusals_after_the_recovery_are_those_that_the_objective_allows() -> None:
    some = [REFUSING, Outage(11.0, 28.0, "shed", frozenset(["load"]), share=0.02)]
    strict = judged(outages=some)
    assert strict.verdict is not MET, "2 % are not 0.1 %"
    assert strict.rto.value_s != pytest.approx(4.4, abs=1.0)
    lenient = [*OBJECTIVES[:-1], {"name": "refused_rate", "target": 0.1}]
    entry = judged(outages=some, declared={"objectives": lenient})
    assert entry.verdict is MET, entry.reasons


def test_a_probe_that_is_refused_is_not_served() -> None:
    probe = [REFUSING, Outage(5.1, 12.0, "shed", frozenset(["write"]))]
    entry = judged(outages=probe)
    assert entry.rto.value_s == pytest.approx(12.0 - 5.1, abs=0.2)
    forever = judged(outages=[REFUSING, Outage(5.1, 31.0, "shed", frozenset(["write"]))])
    assert forever.rto.value_s is None


def test_without_a_limit_on_refusals_they_disrupt_nothing_but_an_answer_is_needed() -> None:
    objectives = OBJECTIVES[:-1]
    entry = judged(outages=[Outage(5.1, 30.0, "shed", frozenset(["load"]), 0.3)], declared={"objectives": objectives})
    assert entry.rto.value_s == 0
    silent = judged(outages=[Outage(5.1, 31.0, "shed", frozenset(["write"]))], declared={"objectives": objectives})
    assert silent.rto.value_s is None, "a probe that is refused for ever says nothing good"


def test_refusals_that_take_long_miss_their_objective() -> None:
    events = story().events()
    for event in events:
        if event["kind"] == "request" and event["outcome"] == "shed" and event["source"] == "load":
            event["done"] = event["t"] = event["sent"] + 0.08
    entry = judge(events)
    assert slo(entry, "refusal_latency", "during").verdict is MISSED
    assert slo(entry, "refusal_latency", "during").value == pytest.approx(0.08, abs=0.01)
    assert entry.verdict is MISSED


def test_more_than_one_in_a_hundred_refusals_that_take_long_are_a_miss() -> None:
    events = story().events()
    shed = [e for e in events if e["kind"] == "request" and e["outcome"] == "shed" and e["source"] == "load"]
    for slow in shed[: len(shed) // 50]:
        slow["done"] = slow["t"] = slow["sent"] + 0.08
    assert slo(judge(events), "refusal_latency", "during").verdict is MISSED


def test_refusals_count_from_their_intended_time() -> None:
    events = story().events()
    for event in events:
        if event["kind"] == "request" and event["outcome"] == "shed" and event["source"] == "load":
            event["intended"] -= 0.08
    assert slo(judge(events), "refusal_latency", "during").verdict is MISSED


def test_goodput_that_gives_way_under_the_overload_is_a_miss() -> None:
    entry = judged(outages=[Outage(5.1, 9.0, "shed", share=0.9)])
    assert slo(entry, "goodput", "during").verdict is MISSED
    assert entry.verdict is MISSED


def test_where_nobody_was_refused_the_refusals_are_unknown_and_not_quick() -> None:
    entry = judged(outages=[Outage(5.1, 9.0, "slow", slow_s=0.9)])
    assert slo(entry, "refusal_latency", "during").verdict is UNKNOWN
    assert entry.verdict is UNKNOWN


def test_too_few_requests_say_nothing_about_a_thousandth() -> None:
    few = judged(load=Asking("load", 0.1), declared={"objectives": [{"name": "refused_rate", "target": 0.001}]})
    assert slo(few, "refused_rate", "after").verdict is UNKNOWN
    assert "1000 needed" in (slo(few, "refused_rate", "after").why or "")


# --- a rate that changes ------------------------------------------------------------------------------------------


def raised(rate: float, at: float = 5.0, **changes: Any) -> DrillVerdict:
    event = {"t": EPOCH + at, "kind": "load", "state": "rate", "rate": rate, "over_s": 0.0, "profile": "steady"}
    return judge([*story(**changes).events(), event])


def test_a_load_that_was_raised_but_asked_no_more_is_another_load() -> None:
    assert raised(250.0).verdict is MET
    entry = raised(500.0)
    assert entry.verdict is UNKNOWN
    assert any("the load asked" in reason for reason in entry.reasons), entry.reasons


def test_a_load_that_was_lowered_is_not_expected_to_ask_as_before() -> None:
    entry = raised(10.0, at=5.0)
    assert not [reason for reason in entry.reasons if "the load asked" in reason], entry.reasons


@pytest.mark.parametrize("damage", [{"rate": -1.0}, {"rate": "fast"}, {"over_s": -1.0}, {"over_s": "soon"}])
def test_a_change_of_rate_that_is_none_is_damage(damage: dict[str, Any]) -> None:
    event = {"t": EPOCH + 5, "kind": "load", "state": "rate", "rate": 250.0, "over_s": 0.0, **damage}
    entry = judge([*story().events(), event])
    assert entry.verdict is UNKNOWN
    assert "cannot be judged" in entry.why


# --- what happens while the drill judges --------------------------------------------------------------------------


def test_what_is_asked_while_the_writes_are_read_back_is_not_judged() -> None:
    refused_late = [REFUSING, Outage(25.0, 31.0, "shed", share=0.5)]
    assert judged(outages=refused_late).verdict is MISSED
    events = story(outages=refused_late).events()
    for event in events:
        if event["kind"] == "judged":
            event["began"] = EPOCH + 24.9
    entry = judge(events)
    assert entry.verdict is MET, entry.reasons


def test_probes_that_are_refused_after_the_hold_mean_that_service_did_not_stay() -> None:
    entry = judged(outages=[REFUSING, Outage(15.0, 31.0, "shed", frozenset(["write", "read"]))])
    assert entry.verdict is UNKNOWN
    assert "did not stay" in " ".join(entry.reasons)


def test_what_is_refused_before_the_fault_was_not_steady() -> None:
    entry = judged(outages=[Outage(0.0, 9.0, "shed", frozenset(["load"]), 0.5)])
    assert entry.verdict is UNKNOWN
    assert "not steady" in entry.why
