"""Greens that an attack found, and that are none any more."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from muster.base.timeline import Event, TimelineError
from muster.verdict import Verdict, judge, judge_file
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage


def test_writes_that_hung_right_before_the_injection_were_no_steady_state() -> None:
    hung = Outage(4.1, 4.93, "timeout", frozenset({"write"}))
    entry = judge(DrillStory(declared={"recovery": None}, recovery=None, steps=[], outages=[hung]).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "not steady: probe write was violated" in entry.why


def test_connections_broken_across_the_end_of_the_hold_are_a_relapse() -> None:
    events = DrillStory(declared={"rto_budget_s": 10.0}).events()
    for event in events:
        of_probe = event["kind"] == "request" and event["source"] == "probe"
        if of_probe and 16.0 < event["sent"] - EPOCH < 16.75:
            event.update(outcome="reset", done=EPOCH + 17.2, t=EPOCH + 17.2)
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert "service did not stay" in entry.why


def test_a_load_that_fails_wholly_after_the_hold_is_a_relapse() -> None:
    outages = [Outage(5.2, 11.7), Outage(18.0, 30.0, "error", frozenset({"load"}))]
    entry = judge(DrillStory(outages=outages, judged=["rto", "rpo"]).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "service did not stay: the load missed its objectives" in entry.why


def test_service_that_never_came_back_proves_no_procedure() -> None:
    entry = judge(DrillStory(outages=[Outage(5.2, 40.0)], judged=["rpo"], good=(17.0, False, "not good")).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "service was not seen to come back, so 'promote-standby' is not proved" in entry.reasons


def test_what_was_not_asked_while_service_was_out_may_all_have_failed() -> None:
    events, last = list[Event](), 0.0
    for event in DrillStory(declared={"error_budget": 20}).events():
        if event["kind"] == "request" and event["source"] == "load" and 5.2 < event["intended"] - EPOCH < 11.7:
            if event["intended"] - last < 0.9:
                continue
            last = event["intended"]
        events.append(event)
    assert judge(events).verdict is Verdict.UNKNOWN
    assert judge(DrillStory(declared={"error_budget": 20}).events()).verdict is Verdict.MISSED


@pytest.mark.parametrize("source", ["load", "probe"])
def test_silence_after_the_hold_is_no_good_service(source: str) -> None:
    events = [
        event
        for event in DrillStory().events()
        if event["kind"] != "request" or event["source"] != source or event["t"] < EPOCH + 17.5
    ]
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert " was silent for 12." in " ".join(entry.reasons)


def test_requests_that_the_prober_gave_up_leave_the_hold_open() -> None:
    story = DrillStory()
    told = {"t": EPOCH + 29.9, "kind": "prober", "state": "unanswered", "name": "write", "intended": EPOCH + 29.2}
    entry = judge([*story.events(), told])
    assert entry.verdict is Verdict.UNKNOWN
    assert "1 requests of probe write had no answer when the prober was stopped" in " ".join(entry.reasons)
    at_once = {**told, "intended": EPOCH + 29.899}
    assert judge([*story.events(), at_once]).verdict is Verdict.MET


def test_requests_that_the_load_abandoned_count_as_not_sent() -> None:
    events = [
        {**event, "abandoned": 60} if event["kind"] == "load" and event["state"] == "stopped" else event
        for event in DrillStory().events()
    ]
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert "60 requests were not sent" in " ".join(entry.reasons)


def test_what_the_fault_broke_under_way_is_charged_to_the_disruption() -> None:
    story = DrillStory(load=Asking("load", 0.005, takes=0.1), outages=[Outage(5.005, 11.7)])
    entry = judge(story.events())
    assert entry.verdict is Verdict.MET, entry.reasons
    before = next(slo for slo in entry.slo if slo.name == "error_rate" and slo.window == "before")
    assert before.value == 0


def test_a_procedure_that_tells_no_step_did_nothing() -> None:
    entry = judge(DrillStory(steps=[]).events())
    assert entry.recovered_by == "platform"
    assert entry.verdict is Verdict.UNKNOWN


def test_a_fault_that_its_experiment_undid_proves_no_recovery() -> None:
    done = {"t": EPOCH + 5.5, "kind": "fault.done", "experiment": "db-failure", "ok": True, "why": ""}
    undone = {"kind": "fault.undone", "experiment": "db-failure", "undone": ["x"], "left": [], "by": "experiment"}
    entry = judge([*DrillStory().events(), done, {**undone, "t": EPOCH + 6.0}])
    assert entry.verdict is Verdict.UNKNOWN
    assert "was undone by its own experiment 1.0 s after it was sent" in entry.why
    # What its method undoes on purpose comes before it is through.
    assert judge([*DrillStory().events(), {**undone, "t": EPOCH + 5.45}, done]).verdict is Verdict.MET


@pytest.mark.parametrize("line", [b'{"t":1000.0,"kind":"declared","na', b'["declared"]', b'"declared"'])
def test_an_odd_line_is_told_and_no_traceback(line: bytes, tmp_path: Path) -> None:
    first, *rest = [orjson.dumps(event) for event in DrillStory().events()]
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\n".join([first, line, *rest]) + b"\n")
    with pytest.raises(TimelineError, match="line 2: not"):
        judge_file(path)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"asked": 0}, "load 'idle' started, but sent no request"),
        ({"broken": True, "reason": "Locust was killed"}, "load 'idle' broke down: Locust was killed"),
    ],
)
def test_a_small_load_beside_a_large_one_must_do_its_part_too(told: dict[str, object], why: str) -> None:
    """A tenth of all that is asked: neither silence nor the sum of the rates shows that it is not there."""
    about = {"kind": "load", "load": "load-2", "profile": "idle", "rate": 5.0, "reason": ""}
    other = [
        {"t": EPOCH + 0.5, **about, "state": "started"},
        {"t": EPOCH + 28.0, **about, "state": "stopped", **told},
    ]
    events = [*DrillStory().events(), *other]
    entry = judge(sorted(events, key=lambda event: event["t"]))
    assert entry.verdict is Verdict.UNKNOWN
    assert why in entry.reasons
