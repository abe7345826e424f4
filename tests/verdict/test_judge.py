"""The verdict on whole drills, sabotaged ones first: none of them may be green."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from muster.base.timeline import Event
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage


def judged(**changes: Any) -> DrillVerdict:
    return judge(DrillStory(**changes).events())


def test_a_drill_that_went_well_is_met() -> None:
    entry = judged()
    assert entry.verdict is Verdict.MET, entry.reasons
    assert entry.recovered_by == "promote-standby"
    assert entry.fault is not None
    assert entry.fault.landed is True
    assert entry.rto.value_s == pytest.approx(6.6, abs=0.1)
    assert entry.rto.human_response == "excluded"
    assert entry.rpo.acknowledged_last_second >= 20
    assert entry.rpo.lost_writes == 0
    assert entry.why.startswith("RTO 6.61 s [")


# --- sabotage -----------------------------------------------------------------------------------------------------


def test_an_injection_that_silently_does_nothing_is_unknown() -> None:
    entry = judged(outages=[], effects=[(5.2, False), (5.6, False)])
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.fault is not None
    assert entry.fault.landed is False
    assert "did not land" in entry.why
    assert entry.rto.value_s is None


def test_a_harness_that_broke_down_measured_nothing() -> None:
    broken = {"t": EPOCH + 8.0, "kind": "instrument", "ok": False, "why": "the embedded cluster does not answer"}
    entry = judge([*DrillStory(outages=[Outage(5.1, 60.0)]).events(), broken])
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.why == "the embedded cluster does not answer"
    assert entry.rto.value_s is None


def test_what_breaks_after_the_drill_has_judged_changes_nothing() -> None:
    events = DrillStory().events()
    judged_at = max(event["t"] for event in events if event["kind"] == "judged")
    broken = {"t": judged_at + 0.1, "kind": "instrument", "ok": False, "why": "gone"}
    assert judge([*events, broken]).verdict is Verdict.MET


def test_load_that_never_starts_is_unknown() -> None:
    entry = judged(load=None)
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.why == "load 'steady' never started"


def test_lost_writes_are_missed_and_each_is_named() -> None:
    lost = {"w-80": "lost", "w-90": "altered", "w-95": "duplicated"}
    entry = judged(lost=lost)
    assert entry.verdict is Verdict.MISSED
    assert {write.id: write.how for write in entry.lost} == lost
    assert entry.rpo.lost_writes == 3
    assert entry.rpo.value_s == pytest.approx(5.2 - 80 * 0.05, abs=0.1)
    assert "w-80, w-90, w-95" in entry.why


def test_a_recovery_that_does_nothing_is_missed_without_a_value() -> None:
    entry = judged(
        outages=[Outage(5.2, 99.0)], declared={"rto_budget_s": 15.0}, good=(25.0, False, "waited 20 s"), judged=None,
        outcome="TimeoutExceededError: waited 20 s for good service",
    )  # fmt: skip
    assert entry.verdict is Verdict.MISSED
    assert entry.rto.value_s is None
    assert entry.rto.high_s is None
    assert entry.rto.low_s is not None
    assert entry.rto.low_s > 15
    assert entry.rto.budget_verdict is Verdict.MISSED
    assert entry.rto.target_verdict is Verdict.UNKNOWN  # nobody watched for 15 minutes
    assert entry.recovered_by is None


def test_a_recovery_that_does_nothing_watched_for_less_than_its_budget_is_unknown() -> None:
    entry = judged(outages=[Outage(5.2, 99.0)], good=(25.0, False, "waited 20 s"))
    assert entry.verdict is Verdict.UNKNOWN
    assert "too short for budget 30 s" in " ".join(entry.reasons)


# --- the data say nothing -----------------------------------------------------------------------------------------

VOID: dict[str, dict[str, Any]] = {
    "nobody saw a steady state": {"steady": None},
    "was not steady: replicas 2 of 3": {"steady": (4.0, False, "replicas 2 of 3")},
    "probe write was violated": {"outages": [Outage(3.0, 3.3, streams=frozenset(["write"])), Outage(5.2, 11.7)]},
    "the load missed its objectives": {"outages": [Outage(3.1, 3.9, streams=frozenset(["load"])), Outage(5.2, 11.7)]},
    "never sent": {"sent": None, "recovery": None},
    "nobody looked whether": {"effects": []},
    "not before the recovery began": {"effects": [(5.1, False), (7.0, True)]},
    "landed and healed at once": {"outages": [], "effects": [(5.1, False), (5.2, True), (5.3, False)]},
    "suspended": {"suspended": (8.0, 60.0)},
    "required probe write sent no request": {
        "probes": [Asking("read", 0.05), Asking("write", 0.05, write=True, stop=0.0)]
    },
    "none of the required probes writes": {"probes": [Asking("read", 0.05)]},
    "the drill requires no probe": {"probes": []},
}


@pytest.mark.parametrize(("why", "changes"), VOID.items(), ids=list(VOID))
def test_data_that_say_nothing_are_unknown(why: str, changes: dict[str, Any]) -> None:
    entry = judged(**changes)
    assert entry.verdict is Verdict.UNKNOWN
    assert why in entry.why
    assert entry.rto.verdict in (Verdict.UNKNOWN, None)
    assert entry.advice


@pytest.mark.parametrize(("why", "changes"), VOID.items(), ids=list(VOID))
def test_data_that_say_nothing_are_not_missed_either(why: str, changes: dict[str, Any]) -> None:
    entry = judged(**{**changes, "lost": {"w-50": "lost"}, "declared": {"rto_budget_s": 1.0}})
    assert entry.verdict is Verdict.UNKNOWN


# --- doubts: a green that is not believed -------------------------------------------------------------------------

DOUBTS: dict[str, dict[str, Any]] = {
    "never judged": {"judged": None},
    "judged nothing": {"judged": []},
    "judged speed": {"judged": ["rto", "speed"]},
    "body ended early: AssertionError": {"outcome": "AssertionError: two primaries"},
    "body never ended": {"outcome": None},
    "read was silent": {"probes": [Asking("read", 0.05, stop=14.0), Asking("write", 0.05, write=True)]},
    "load was silent": {"load": Asking("load", 0.02, stop=9.0)},
    "the procedure": {"recovery_ok": False},
    "never ran": {"recovery": None, "outages": [Outage(5.2, 9.0)]},
    "the platform healed alone": {"outages": [Outage(5.2, 5.8)]},
    "did not stay": {"outages": [Outage(5.2, 11.7), Outage(20.0, 21.0)], "judged": ["rto"]},
    "did not see service good": {"good": (17.0, False, "replicas 2 of 3")},
    "probe write was violated": {
        "outages": [Outage(5.2, 11.7), Outage(3.9, 5.2, "shed", frozenset(["write"]))], "declared": {"overload": True},
    },
    "not read back": {"readback": None},
    "no required objective": {"judged": ["slo"], "declared": {"objectives": []}},
    "the drill was interrupted": {"outcome": "interrupted (Ctrl-C)"},
}  # fmt: skip


@pytest.mark.parametrize(("why", "changes"), DOUBTS.items(), ids=list(DOUBTS))
def test_doubts_make_a_green_unknown(why: str, changes: dict[str, Any]) -> None:
    entry = judged(**changes)
    assert entry.verdict is Verdict.UNKNOWN, entry.reasons
    assert entry.advice
    if why not in ("the procedure", "no required objective", "read was silent"):
        assert why in " | ".join(entry.reasons)


def test_a_definite_miss_stays_a_miss_although_the_body_crashed() -> None:
    entry = judged(lost={"w-80": "lost"}, outcome="RuntimeError: boom")
    assert entry.verdict is Verdict.MISSED
    assert any("RuntimeError" in reason for reason in entry.reasons)


def test_a_budget_that_was_passed_stays_passed_although_the_load_died() -> None:
    entry = judged(load=Asking("load", 0.02, stop=9.0), declared={"rto_budget_s": 3.0})
    assert entry.verdict is Verdict.MISSED
    assert entry.rto.high_s is None


def test_a_silent_probe_leaves_not_even_a_miss_certain() -> None:
    def silent(event: Event) -> bool:
        return event["kind"] == "request" and event["name"] == "read" and 7.0 < event["t"] - EPOCH < 9.0

    events = [event for event in DrillStory(declared={"rto_budget_s": 3.0}).events() if not silent(event)]
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert "read was silent for 2." in " ".join(entry.reasons)


def test_too_little_load_is_another_load() -> None:
    events = DrillStory().events()
    for event in events:
        if event["kind"] == "load":
            event["rate"] = 200.0
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert any("the load asked" in reason for reason in entry.reasons)


def test_an_interrupted_drill_is_to_be_run_again() -> None:
    entry = judged(outcome="interrupted (Ctrl-C)")
    assert entry.why == "the drill was interrupted (Ctrl-C)"
    assert entry.advice == "run it again"


def struck(at: float, *looks: tuple[float, bool], experiment: str = "db-failure") -> list[Event]:
    """One more injection, `at` seconds into the story, and what was seen of it."""
    events: list[Event] = [{"t": EPOCH + at, "kind": "fault.sent", "experiment": experiment, "activity": "strike"}]
    seen = [
        {"t": EPOCH + t, "kind": "fault.effect", "experiment": experiment, "observed": observed, "evidence": "seen"}
        for t, observed in looks
    ]
    return events + seen


@pytest.mark.parametrize("experiment", ["db-failure", "broker-failure"])
@pytest.mark.parametrize("seen", [True, False])
def test_a_fault_after_the_drill_judged_is_doubted(experiment: str, seen: bool) -> None:
    later = struck(31.0, (31.5, seen), experiment=experiment)
    entry = judge([*DrillStory().events(), *later])
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.why == f"fault '{experiment}' was sent 1.0 s after the drill judged, so nothing says what it did"
    assert "judge last" in (entry.advice or "")


def test_a_fault_after_the_drill_judged_excuses_no_miss() -> None:
    entry = judge([*DrillStory(lost={"w-80": "lost"}).events(), *struck(31.0)])
    assert entry.verdict is Verdict.MISSED


def test_a_drill_that_only_struck_after_it_judged_says_so() -> None:
    entry = judge([*DrillStory(sent=None, recovery=None).events(), *struck(31.0, (31.2, True))])
    assert entry.verdict is Verdict.UNKNOWN
    assert any("sent only after the drill had judged" in reason for reason in entry.reasons)


@pytest.mark.parametrize("looks", [[], [(18.2, False), (18.9, False)]])
def test_a_second_injection_of_one_experiment_must_land_as_well(looks: list[tuple[float, bool]]) -> None:
    entry = judge([*DrillStory().events(), *struck(18.0, *looks)])
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.fault is not None
    assert entry.fault.landed is not True


def test_a_first_injection_that_did_not_land_is_not_excused_by_a_second() -> None:
    story = DrillStory(sent=5.0, effects=[(5.1, False), (5.3, False)])
    entry = judge([*story.events(), *struck(5.4, (5.5, True))])
    assert entry.verdict is Verdict.UNKNOWN
    assert "was sent again before its effect was seen" in entry.why


def test_two_injections_that_both_landed_are_judged_together() -> None:
    story = DrillStory(outages=[Outage(5.2, 11.7), Outage(12.0, 13.0)], declared={"proves_procedure": False})
    entry = judge([*story.events(), *struck(12.0, (12.1, True), (12.5, True))])
    assert entry.verdict is Verdict.MET, entry.reasons
    assert entry.rto.value_s == pytest.approx(7.8, abs=0.1)


def test_a_failed_experiment_is_doubted() -> None:
    done = {"t": EPOCH + 6, "kind": "fault.done", "experiment": "db-failure", "ok": False, "why": "pod not found"}
    entry = judge([*DrillStory().events(), done])
    assert entry.verdict is Verdict.UNKNOWN
    assert "pod not found" in entry.why


# --- damaged timelines --------------------------------------------------------------------------------------------


def _first_request(change: Callable[[Event], object]) -> list[Event]:
    events = DrillStory().events()
    change(next(event for event in events if event["kind"] == "request"))
    return events


DAMAGES: dict[str, Callable[[Event], object]] = {
    "no outcome": lambda event: event.pop("outcome"),
    "unknown outcome": lambda event: event.update(outcome="splendid"),
    "done before sent": lambda event: event.update(done=event["sent"] - 1),
    "not a number": lambda event: event.update(done=float("nan")),
    "no time": lambda event: event.update(sent=None),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_event_makes_the_drill_unknown(damage: Callable[[Event], object]) -> None:
    entry = judge(_first_request(damage))
    assert entry.verdict is Verdict.UNKNOWN
    assert "cannot be judged" in entry.why
    assert entry.name == "db_failure"


def test_no_events_and_no_declaration_are_unknown() -> None:
    assert judge([]).verdict is Verdict.UNKNOWN
    events = [event for event in DrillStory().events() if event["kind"] != "declared"]
    assert "no declaration" in judge(events).why


NEEDED = ("steady", "fault.sent", "fault.effect", "clock", "judged", "ended", "request", "write", "readback")


@pytest.mark.parametrize("kind", [*NEEDED, "recovery.ended"])
def test_without_any_one_kind_of_event_nothing_is_green(kind: str) -> None:
    events = [event for event in DrillStory().events() if event["kind"] != kind]
    assert judge(events).verdict is Verdict.UNKNOWN


def test_a_timeline_cut_off_anywhere_is_never_green() -> None:
    events = DrillStory().events()
    for cut in range(1, len(events) - 1, 97):
        assert judge(events[:cut]).verdict is not Verdict.MET, f"cut after {cut} of {len(events)} events"


def test_the_order_of_writing_does_not_matter() -> None:
    events = DrillStory().events()
    late = sorted(events, key=lambda event: event["kind"] == "request")  # what one process wrote keeps its order
    assert judge(late).to_json() == judge(events).to_json()


def test_what_happens_after_the_drill_judged_is_no_part_of_it() -> None:
    late = DrillStory(outages=[Outage(5.2, 11.7), Outage(27.0, 40.0)]).events()
    for event in late:
        if event["kind"] == "judged":
            event["t"] = EPOCH + 26.5
    assert judge(late).verdict is Verdict.MET


def test_an_effect_that_nobody_looked_at_for_long_before_the_recovery_is_unknown() -> None:
    story = {
        "effects": [(5.1, False), (5.2, True)],
        "recovery": (11.0, 11.8),
        "steps": [("promote", 11.0, 11.8, "done")],
    }
    entry = judged(outages=[], **story)
    assert entry.verdict is Verdict.UNKNOWN
    assert "stayed in force for the 5.8 s" in entry.why
    assert judged(outages=[Outage(5.2, 11.7)], **story).verdict is Verdict.MET  # clients felt it all the time


def test_a_generator_that_says_that_it_could_not_keep_up_proves_nothing() -> None:
    story = DrillStory()
    behind = {"kind": "load", "state": "behind", "reason": "it is late", "load": "load-1", "rate": 50.0}
    for at, verdict in ((20.0, Verdict.UNKNOWN), (8.0, Verdict.MET)):  # after the disruption, and during it
        told = {"t": EPOCH + at + 1, "since": EPOCH + at, "not_sent": 40, "late_s": 0.4, **behind}
        entry = judge([*story.events(), told])
        assert entry.verdict is verdict, entry.reasons
        assert ("could not keep up: 40 requests were not sent" in " ".join(entry.reasons)) is (
            verdict is Verdict.UNKNOWN
        )
    few = {"t": EPOCH + 21, "since": EPOCH + 20, "not_sent": 0, "late_s": 0.4, **behind}
    assert judge([*story.events(), few]).verdict is Verdict.MET
