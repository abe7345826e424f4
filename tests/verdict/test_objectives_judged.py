"""Objectives one by one: RTO, RPO, those of the load, detection, and how they combine."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from muster.verdict import DrillVerdict, Verdict, combine, judge
from muster.verdict.entry import SloEntry
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage
from muster.verdict.verdicts import at_most

MET, MISSED, UNKNOWN = Verdict.MET, Verdict.MISSED, Verdict.UNKNOWN


def judged(**changes: Any) -> DrillVerdict:
    return judge(DrillStory(**changes).events())


def slo(entry: DrillVerdict, name: str, window: str) -> SloEntry:
    return next(slo for slo in entry.slo if (slo.name, slo.window) == (name, window))


def test_combining_is_never_greener_than_its_parts() -> None:
    for parts in product(Verdict, repeat=3):
        combined = combine(parts)
        assert (combined is MET) == (set(parts) == {MET})
        assert (combined is MISSED) == (MISSED in parts)
    assert combine([]) is UNKNOWN


def test_an_interval_is_judged_by_its_far_end() -> None:
    assert at_most(4.0, 5.0, 5.0) is MET
    assert at_most(4.9, 5.1, 5.0) is UNKNOWN
    assert at_most(5.1, 5.2, 5.0) is MISSED
    assert at_most(4.0, None, 5.0) is UNKNOWN
    assert at_most(5.1, None, 5.0) is MISSED


# --- RTO ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("budget", "verdict"), [(6.55, MISSED), (6.61, UNKNOWN), (6.7, MET)])
def test_rto_against_the_budget(budget: float, verdict: Verdict) -> None:
    entry = judged(declared={"rto_budget_s": budget})
    assert entry.rto.budget_verdict is verdict, entry.rto
    assert entry.verdict is verdict


def test_a_declared_response_is_added_before_the_target_is_compared() -> None:
    entry = judged(declared={"response_s": 600.0})
    assert entry.rto.human_response == "declared"
    assert entry.rto.target_verdict is MET
    entry = judged(declared={"response_s": 898.0})
    assert entry.rto.target_verdict is MISSED
    assert entry.rto.budget_verdict is MET
    assert "declared response 898 s > target 900 s" in entry.why


def test_without_a_violation_the_rto_is_zero_where_no_procedure_was_to_be_proved() -> None:
    entry = judged(outages=[], declared={"proves_procedure": False})
    assert entry.rto.value_s == 0
    assert entry.rto.high_s == pytest.approx(0.06, abs=0.02)
    assert entry.recovered_by == "platform"
    assert entry.verdict is MET
    assert "no interruption observed" in entry.why


def test_a_probe_too_rare_for_its_target_is_unknown() -> None:
    probes = [Asking("read", 0.8), Asking("write", 0.05, write=True)]
    entry = judged(outages=[], probes=probes, declared={"rto_budget_s": 0.5, "proves_procedure": False})
    assert entry.rto.budget_verdict is UNKNOWN


def test_objectives_that_were_not_required_have_no_verdict() -> None:
    entry = judged(judged=["rto"])
    assert entry.rpo.verdict is None
    assert all(slo.verdict is None for slo in entry.slo)
    assert entry.detection.verdict is None
    assert entry.rpo.acknowledged_writes > 0


def test_requiring_an_objective_requires_the_drills_own_limit_too() -> None:
    assert judged(judged=["rto", "rpo"]).required == ["budget", "lost_writes", "rpo", "rto"]


# --- RPO ----------------------------------------------------------------------------------------------------------


def test_a_lost_write_within_the_target_is_met_where_losses_are_allowed() -> None:
    entry = judged(lost={"w-80": "lost"}, declared={"max_lost_writes": 3})
    assert entry.verdict is MET
    assert entry.rpo.value_s == pytest.approx(1.2, abs=0.1)
    assert entry.rpo.low_s is not None
    assert entry.rpo.high_s is not None
    assert entry.rpo.low_s <= 1.2 <= entry.rpo.high_s


def test_a_lost_write_older_than_the_target_is_missed() -> None:
    entry = judged(lost={"w-20": "lost"}, declared={"max_lost_writes": 3, "rpo_target_s": 2.0})
    assert entry.rpo.target_verdict is MISSED
    assert entry.rpo.lost_verdict is MET
    assert "RPO 4." in entry.why


def test_a_write_lost_after_service_was_back_counts() -> None:
    entry = judged(lost={"w-300": "lost"})
    assert entry.rpo.lost_writes == 1
    assert entry.rpo.value_s == 0.0
    assert entry.verdict is MISSED


def test_the_lost_history_is_counted_from_its_last_write() -> None:
    entry = judged(lost={"w-100": "lost", "w-300": "lost"}, declared={"max_lost_writes": 5})
    assert entry.rpo.value_s == pytest.approx(10.0, abs=0.1)


def test_an_unsure_write_may_be_there_or_not_but_not_be_altered() -> None:
    outages = [Outage(5.2, 11.7, "timeout")]
    assert judged(outages=outages).rpo.indeterminate_writes > 20
    assert judged(outages=outages).verdict is MET
    entry = judged(outages=outages, lost={"w-150": "altered"})
    assert entry.verdict is MISSED
    assert [write.id for write in entry.lost] == ["w-150"]


def test_one_write_that_was_not_read_back_leaves_the_rpo_unknown() -> None:
    entry = judged(lost={"w-50": "unread"})
    assert entry.rpo.unread_writes == 1
    assert entry.rpo.value_s is None
    assert entry.verdict is UNKNOWN


def test_a_readback_before_the_end_of_the_disruption_does_not_count() -> None:
    assert judged(readback=10.0).rpo.unread_writes > 0


def test_writes_that_pause_during_the_disruption_do_not_count() -> None:
    events = [
        event for event in DrillStory().events()
        if event["kind"] != "write" or not 7.0 < event["asked"] - EPOCH < 9.5
    ]  # fmt: skip
    entry = judge(events)
    assert entry.verdict is UNKNOWN
    assert "no write was attempted for 2.5 s" in entry.why


# --- objectives of the load ---------------------------------------------------------------------------------------


def test_windows_are_judged_as_they_stand() -> None:
    entry = judged()
    assert slo(entry, "error_rate", "before").value == 0
    assert slo(entry, "latency_p95", "after").value == pytest.approx(0.0095, abs=0.002)
    assert slo(entry, "error_rate", "after").samples > 800


def test_errors_after_the_recovery_are_missed() -> None:
    trickle = Outage(17.5, 29.0, "error", frozenset(["load"]), share=0.1)
    entry = judged(outages=[Outage(5.2, 11.7), trickle])
    assert slo(entry, "error_rate", "after").verdict is MISSED
    assert entry.why.startswith("error_rate after 0.0")


def test_an_objective_without_enough_samples_is_unknown() -> None:
    entry = judged(declared={"objectives": [{"name": "availability", "target": 0.9995}]})
    assert slo(entry, "availability", "after").verdict is UNKNOWN
    assert "2000 needed" in (slo(entry, "availability", "after").why or "")
    assert entry.verdict is UNKNOWN


def test_no_number_of_samples_proves_that_nothing_ever_fails() -> None:
    entry = judged(declared={"objectives": [{"name": "error_rate", "target": 0.0}]})
    assert slo(entry, "error_rate", "after").verdict is UNKNOWN


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [(500, MET), (100, MISSED), (1.0, MET), (0.5, MISSED)],
    ids=["n", "n missed", "r", "r missed"],
)
def test_failures_during_the_disruption_are_charged_to_the_budget(budget: float, verdict: Verdict) -> None:
    objectives = [{"name": "error_rate", "target": 0.01, "windows": ["before", "during", "after"]}]
    entry = judged(declared={"objectives": objectives, "error_budget": budget})
    assert slo(entry, "error_budget", "during").verdict is verdict
    assert slo(entry, "error_rate", "during").verdict is None
    assert entry.verdict is verdict


def test_goodput_is_judged_during_a_disruption_where_the_drill_says_so() -> None:
    objectives = [{"name": "goodput", "target": 40.0, "windows": ["during"]}]
    entry = judged(declared={"objectives": objectives})
    assert slo(entry, "goodput", "during").verdict is MISSED


def test_what_is_shed_in_a_declared_overload_is_counted_apart() -> None:
    shed = [Outage(5.2, 11.7), Outage(12.5, 29.0, "shed", frozenset(["load"]), share=0.3)]
    entry = judged(outages=shed, declared={"overload": True})
    assert entry.verdict is MET, entry.reasons
    assert judged(outages=shed).verdict is not MET


# --- service levels that hold over weeks ---------------------------------------------------------------------------

PAGE = {"name": "page", "threshold": 14.4, "lookbacks_s": [3600.0, 300.0]}
SLO = {
    "name": "api",
    "measure": "availability",
    "target": 0.99,
    "period_s": 28 * 86_400.0,
    "source": "slo.yaml, document 1",
}


def judged_by(*objectives: dict[str, Any], **changes: Any) -> DrillVerdict:
    return judged(**changes, declared={"objectives": [{"name": "error_rate", "target": 0.01}, *objectives]})


def test_a_service_level_is_judged_before_and_after_with_its_samples() -> None:
    entry = judged_by(SLO)
    before, after = slo(entry, "api", "before"), slo(entry, "api", "after")
    assert (before.verdict, before.value, before.measure) == (MET, 1.0, "availability")
    assert after.verdict is MET
    assert before.samples_needed == after.samples_needed == 100
    assert entry.verdict is MET, entry.reasons
    assert slo(judged_by({**SLO, "target": 0.9995}), "api", "after").why == f"{after.samples} samples, 2000 needed"


def test_what_a_drill_costs_of_a_months_budget_is_told_and_not_judged() -> None:
    cost = slo(judged_by(SLO), "api/budget", "drill")
    assert cost.verdict is None
    assert cost.value == pytest.approx(6.5 / (0.01 * 28 * 86_400), rel=0.01)
    assert cost.why == "as much as 6.5 s of full outage, of 6 h 43 min in 28 d"


@pytest.mark.parametrize(("share", "verdict"), [(0.001, MET), (0.0001, MISSED)])
def test_what_a_drill_may_cost_is_judged_where_the_file_says_so(share: float, verdict: Verdict) -> None:
    entry = judged_by({**SLO, "budget_share": share})
    assert slo(entry, "api/budget", "drill").verdict is verdict
    assert entry.verdict is verdict


def test_a_cost_that_is_still_growing_is_unknown() -> None:
    entry = judged_by({**SLO, "budget_share": 0.5}, outages=[Outage(5.2, 30.0)])
    assert slo(entry, "api/budget", "drill").verdict is UNKNOWN
    assert slo(entry, "api/budget", "drill").why == "service was not seen good again"


def test_a_burn_after_the_recovery_misses_and_one_during_the_disruption_informs() -> None:
    entry = judged_by({**SLO, "burn_alerts": [PAGE]})
    during, after = slo(entry, "api/page", "drill"), slo(entry, "api/page", "after")
    assert (after.verdict, after.value, after.samples_needed) == (MET, 0.0, 7)
    assert during.verdict is None
    assert during.value == pytest.approx(6.5 / 3600 / 0.01, rel=0.01)
    assert during.why == "whether the alert would have fired is open: 29 s of 1 h were watched"
    assert entry.verdict is MET, entry.reasons
    trickle = Outage(17.5, 29.0, "error", frozenset(["load"]), share=0.4)
    entry = judged_by({**SLO, "windows": [], "burn_alerts": [PAGE]}, outages=[Outage(5.2, 11.7), trickle])
    assert slo(entry, "api/page", "after").verdict is MISSED
    assert entry.verdict is MISSED


def test_an_alert_that_is_judged_during_a_drill_is_open_where_too_little_was_watched() -> None:
    alert = {**PAGE, "windows": ["during"]}
    entry = judged_by({**SLO, "burn_alerts": [alert]})
    assert slo(entry, "api/page", "drill").verdict is UNKNOWN
    assert slo(entry, "api/page", "after").verdict is None
    assert entry.verdict is UNKNOWN
    fired = slo(judged_by({**SLO, "burn_alerts": [{**alert, "lookbacks_s": [20.0, 5.0]}]}), "api/page", "drill")
    assert fired.verdict is MISSED
    assert fired.why == "the alert would have fired 4 s after the injection"
    calm = {**alert, "threshold": 99.0, "lookbacks_s": [20.0, 2.0]}
    assert slo(judged_by({**SLO, "burn_alerts": [calm]}), "api/page", "drill").verdict is MET


def test_a_service_level_does_not_decide_when_service_is_good_again() -> None:
    outages = [Outage(5.2, 11.7), Outage(12.0, 29.0, "error", frozenset(["load"]), share=0.01)]
    lenient = {"name": "error_rate", "target": 0.1}
    strict = {**SLO, "target": 0.9995, "windows": ["before", "after"]}
    expected = judged(outages=outages, declared={"objectives": [lenient]}).rto
    assert judged(outages=outages, declared={"objectives": [lenient, strict]}).rto == expected
    own = {"name": "availability", "target": 0.9995}
    assert judged(outages=outages, declared={"objectives": [lenient, own]}).rto != expected


def test_only_the_requests_that_are_named_count() -> None:
    """Every other request of the load is another one, and those alone fail after the recovery."""
    bad = {**SLO, "name": "orders", "requests": ["POST *"]}
    good = {**SLO, "name": "reads", "requests": ["GET /items*"]}
    trickle = Outage(17.5, 29.0, "error", frozenset(["load"]), share=0.5)
    story = DrillStory(outages=[Outage(5.2, 11.7), trickle], declared={"objectives": [bad, good]})
    events = story.events()
    for event in events:
        if event["kind"] == "request" and event["source"] == "load":
            event["name"] = "POST /orders" if event["outcome"] == "error" else "GET /items?page=1"
    entry = judge(events)
    assert slo(entry, "orders", "after").value == 0.0
    assert slo(entry, "reads", "after").value == 1.0
    assert slo(entry, "orders", "after").verdict is MISSED
    assert slo(entry, "reads", "after").verdict is MET
    assert slo(entry, "orders", "after").samples > 200
    assert slo(entry, "reads", "after").samples > 500


def test_requests_that_nobody_sent_prove_nothing() -> None:
    entry = judged_by({**SLO, "requests": ["DELETE *"]})
    assert slo(entry, "api", "after").verdict is UNKNOWN
    assert slo(entry, "api", "after").samples == 0


@pytest.mark.parametrize(("measure", "during"), [("fast_answers", 1.0), ("fast_requests", 0.0)])
def test_fast_of_the_answers_or_of_all_requests(measure: str, during: float) -> None:
    """A refused request is no answer; an answer that comes late is slow in both."""
    windows = ["before", "during", "after"]
    fast = {**SLO, "measure": measure, "threshold_s": 0.5, "windows": windows}
    outages = [Outage(5.2, 11.7), Outage(20.0, 29.9, "slow", frozenset(["load"]), share=0.2, slow_s=0.6)]
    entry = judged_by(fast, outages=outages)
    assert slo(entry, "api", "before").value == 1.0
    assert slo(entry, "api", "during").value == pytest.approx(during, abs=0.05)
    assert slo(entry, "api", "after").verdict is MISSED
    assert slo(entry, "api", "after").value == pytest.approx(0.9, abs=0.03)


def test_a_latency_of_any_quantile() -> None:
    entry = judged_by({"name": "p99", "measure": "latency", "quantile": 0.99, "target": 0.5, "windows": ["after"]})
    assert slo(entry, "p99", "after").verdict is MET
    assert slo(entry, "p99", "after").samples_needed == 100


def test_what_is_not_measured_is_told_and_not_judged() -> None:
    left_out = {"name": "queue", "target": 0.99, "why": "its metric is of type Prometheus"}
    entry = judged(declared={"unmeasured": [left_out]})
    told = slo(entry, "queue", "drill")
    assert (told.verdict, told.value) == (None, None)
    assert told.why == "its metric is of type Prometheus"
    assert entry.verdict is MET


def test_every_entry_tells_its_least_number_of_samples() -> None:
    entry = judged_by({**SLO, "burn_alerts": [PAGE], "budget_share": 0.1})
    assert all(one.samples_needed is not None and one.samples_needed >= 1 for one in entry.slo)
    none = judged(declared={"objectives": [{"name": "error_rate", "target": 0.0}]})
    assert slo(none, "error_rate", "after").samples_needed is None


# --- recovered by, detection --------------------------------------------------------------------------------------


def test_a_step_that_only_looked_does_not_take_the_credit() -> None:
    steps = [("fence", 6.0, 6.1, "skipped"), ("promote", 10.0, 11.0, "done")]
    entry = judged(outages=[Outage(5.2, 9.0)], steps=steps)
    assert entry.recovered_by == "platform"
    assert entry.verdict is UNKNOWN


def test_the_platform_may_recover_where_no_procedure_is_declared() -> None:
    entry = judged(recovery=None, declared={"recovery": None})
    assert entry.recovered_by == "platform"
    assert entry.verdict is MET, entry.reasons


def test_detection_is_null_without_an_alert_and_unknown_where_it_is_required() -> None:
    assert judged().detection.verdict is None
    entry = judged(judged=["rto", "detection"], declared={"detection_target_s": 300.0})
    assert entry.detection.verdict is UNKNOWN
    story = DrillStory(judged=["rto", "detection"], declared={"detection_target_s": 300.0})
    alert = {"t": EPOCH + 6.5, "kind": "alert", "name": "DatabaseDown"}
    entry = judge([*story.events(), alert])
    assert entry.detection.value_s == 1.5
    assert entry.detection.by == "DatabaseDown"
    assert entry.verdict is MET
