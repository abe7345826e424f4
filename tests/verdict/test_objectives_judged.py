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


@pytest.mark.parametrize(("budget", "verdict"), [(6.55, MISSED), (6.63, UNKNOWN), (6.7, MET)])
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
