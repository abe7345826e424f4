"""Greens that an attack found, and that are none any more."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from muster.base.timeline import Event, TimelineError
from muster.verdict import Verdict, judge, judge_file
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage, Own


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


def test_a_load_that_fails_wholly_for_two_seconds_after_the_hold_is_a_relapse_however_long_it_was_well() -> None:
    outages = [Outage(5.2, 11.7), Outage(40.0, 42.5, "error", frozenset({"load"}))]
    objectives = [{"name": "error_rate", "target": 0.05}]
    probes = [Asking("read", 0.05, stop=70.0), Asking("write", 0.05, write=True, stop=70.0)]
    story = DrillStory(
        declared={"objectives": objectives}, outages=outages, probes=probes, load=Asking("load", 0.02, stop=70.0),
        length=70.0, readback=69.0,
    )  # fmt: skip
    entry = judge(story.events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "service did not stay: the load missed its objectives 2" in entry.why


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
    entry = judge(in_order([*DrillStory().events(), *other]))
    assert entry.verdict is Verdict.UNKNOWN
    assert why in entry.reasons


WRITING = {"probes": [Asking("read", 0.05, own=Own()), Asking("write", 1.0, write=True, own=Own())]}
ALONE: dict[str, Any] = {"recovery": None, "steps": []}
NO_RPO = {"recovery": None, "max_lost_writes": None, "rpo_target_s": None}


def test_good_writes_of_the_load_do_not_stand_for_a_probe_that_still_fails() -> None:
    """The load looks at less than the probe does: it takes an answer with wrong content for a good one."""
    outages = [Outage(5.2, 9.0, "error", only="writes"), Outage(8.9, 9.95, "wrong", frozenset({"write"}))]
    told = {"load": Asking("load", 0.02, own=Own(writes=0.3)), "readback": None, **WRITING, **ALONE}
    entry = judge(DrillStory(declared=NO_RPO | {"rto_budget_s": 4.2}, outages=outages, judged=["rto"], **told).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.rto.high_s is not None
    assert entry.rto.high_s >= 4.75


def test_a_required_probe_that_was_never_good_again_is_no_recovery() -> None:
    probes = [Asking("read", 0.05, own=Own(), stop=14.7), Asking("write", 3.0, write=True, own=Own(), stop=12.0)]
    outages = [Outage(5.2, 9.5, "error", only="writes")]
    load = Asking("load", 0.02, own=Own(writes=0.3), stop=14.7)
    told = {"good": None, "length": 15.0, "readback": None, "judged": ["rto"], **ALONE}
    entry = judge(DrillStory(declared=NO_RPO, outages=outages, probes=probes, load=load, **told).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.rto.value_s is None


@pytest.mark.parametrize("told", [{"asked": 0}, {"broken": True, "reason": "Locust was killed"}])
def test_a_load_that_failed_is_told_also_after_the_drill_judged(told: dict[str, object]) -> None:
    about = {"kind": "load", "load": "load-2", "profile": "idle", "rate": 5.0, "reason": ""}
    other = [
        {"t": EPOCH + 0.5, **about, "state": "started"},
        {"t": EPOCH + 30.2, **about, "state": "stopped", **told},
    ]
    assert judge(in_order([*DrillStory().events(), *other])).verdict is Verdict.UNKNOWN


def test_a_load_held_up_across_the_whole_hold_could_not_keep_up() -> None:
    about = {"kind": "load", "load": "load-2", "profile": "idle", "rate": 5.0, "reason": "it was held up"}
    other = [
        {"t": EPOCH, **about, "state": "started"},
        {"t": EPOCH + 17.4, **about, "state": "behind", "not_sent": 42, "late_s": 9.4, "since": EPOCH + 8.0},
    ]
    small = Asking("load", 0.2)
    asked = [
        {**event, "name": "other"}
        for event in DrillStory(load=small).events()
        if event["kind"] == "request" and event["source"] == "load" and not 8.0 < event["sent"] - EPOCH < 17.4
    ]
    entry = judge(in_order([*DrillStory().events(), *asked, *other]))
    assert entry.verdict is Verdict.UNKNOWN
    assert "the load generator could not keep up" in entry.why


def test_one_slow_stage_does_not_excuse_silence_in_a_fast_one() -> None:
    events = list[Event]()
    for event in DrillStory().events():
        if event["kind"] == "request" and event["source"] == "load" and event["sent"] - EPOCH > 17:
            continue
        if event["kind"] == "load" and event["state"] == "started":
            faster = {"t": EPOCH + 0.2, "kind": "load", "load": "load", "state": "rate", "rate": 50.0}
            events += [{**event, "rate": 0.2}, faster]
            continue
        events.append(event)
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert "load was silent for 13.0 s" in entry.why


def test_a_load_that_nobody_declared_is_looked_at_where_its_figures_are_judged() -> None:
    events = [
        event
        for event in DrillStory(declared={"load": None}).events()
        if not (event["kind"] == "request" and event["source"] == "load" and event["sent"] - EPOCH > 17)
    ]
    assert judge(events).verdict is Verdict.UNKNOWN


def test_load_that_hung_since_before_the_hold_until_it_was_stopped_is_not_forgotten() -> None:
    chance, events, hung = random.Random(1), list[Event](), 0
    for event in DrillStory(judged=["rto", "rpo"]).events():
        of_load = event["kind"] == "request" and event["source"] == "load"
        if of_load and event["intended"] - EPOCH > 17 and chance.random() < 0.3:
            hung += 1
        elif event["kind"] == "load" and event["state"] == "stopped":
            events.append({**event, "abandoned": hung, "waited_s": event["t"] - EPOCH - 17})
        else:
            events.append(event)
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert f"{hung} requests of the load: they had no answer when the load was stopped" in " ".join(entry.reasons)


def test_latency_is_open_where_requests_were_given_up_before_the_target() -> None:
    objectives = [
        {"name": "error_rate", "target": 0.01},
        {"name": "latency_p95", "target": 1.0, "windows": ["before", "during", "after"]},
    ]
    story = DrillStory(
        declared={"objectives": objectives},
        outages=[Outage(5.2, 11.7, "timeout")],
        load=Asking("load", 0.02, limit=0.5),
    )
    entry = judge(story.events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "requests were given up after 0.5" in entry.why


def test_a_procedure_that_came_after_another_had_healed_is_not_proved() -> None:
    def told(at: float, kind: str, **fields: object) -> Event:
        return {"t": EPOCH + at, "kind": kind, "procedure": "restart", **fields}

    other = [
        told(6.0, "recovery.began"),
        told(6.1, "recovery.step", step="kick", state="began", detail=None),
        told(7.6, "recovery.step", step="kick", state="done", detail=None),
        told(7.7, "recovery.ended", ok=True, why=""),
    ]
    story = DrillStory(outages=[Outage(5.2, 7.5)], recovery=(9.0, 11.8), steps=[("promote", 9.0, 11.6, "done")])
    entry = judge(in_order([*story.events(), *other]))
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.recovered_by == "restart"


@pytest.mark.parametrize("other_ends", [9.0, 11.75, 12.4])
def test_two_procedures_at_once_each_have_their_own_steps_and_end(other_ends: float) -> None:
    """Whichever of them ends first, is over, and what one did is not the other's."""

    def told(at: float, kind: str, **fields: object) -> Event:
        return {"t": EPOCH + at, "kind": kind, "procedure": "rollback", **fields}

    other = [
        told(6.05, "recovery.began"),
        told(6.1, "recovery.step", step="lead back", state="began", detail=None),
        told(6.2, "recovery.change", verb="delete", object="Deployment/none", fields=[], replicas=None),
        told(6.25, "recovery.step", step="lead back", state="done", detail=None),
        told(other_ends, "recovery.ended", ok=True, why=""),
    ]
    named = {"procedure": "promote-standby"}
    story = [event | named if event["kind"] == "recovery.change" else event for event in DrillStory().events()]
    alone, entry = judge(story), judge(in_order([*story, *other]))
    assert (entry.verdict, entry.recovered_by) == (alone.verdict, alone.recovered_by)
    assert entry.verdict is Verdict.MET
    began = {step.step: step.began_s for step in entry.recovery_steps}
    assert began.keys() == {*(step.step for step in alone.recovery_steps), "lead back"}
    assert list(began.values()) == sorted(began.values())
    assert entry.split.procedure_s is not None
    assert alone.split.procedure_s is not None
    assert entry.split.procedure_s == pytest.approx(max(alone.split.procedure_s, other_ends - 6.0), abs=0.5)


def test_a_procedure_that_never_ended_is_not_ended_by_another() -> None:
    def told(at: float, kind: str, **fields: object) -> Event:
        return {"t": EPOCH + at, "kind": kind, "procedure": "rollback", **fields}

    other = [told(6.5, "recovery.began"), told(8.0, "recovery.ended", ok=True, why="")]
    story = [event for event in DrillStory().events() if event["kind"] != "recovery.ended"]
    entry = judge(in_order([*story, *other]))
    assert entry.verdict is not Verdict.MET
    assert "recovery procedure 'promote-standby' did not end" in entry.reasons


def test_where_service_may_have_been_good_before_the_procedure_acted_it_is_not_proved() -> None:
    outages = [Outage(5.2, 9.0, "error", share=0.3)]
    probes = [Asking("read", 0.2), Asking("write", 0.2, write=True)]
    told = {"recovery": (6.0, 11.8), "steps": [("wait", 6.0, 9.5, "skipped"), ("promote", 9.5, 11.6, "done")]}
    for seed in range(20):
        story = DrillStory(
            outages=outages, probes=probes, load=None, declared={"load": None}, judged=["rto"], seed=seed, **told
        )
        assert judge(story.events()).verdict is not Verdict.MET, seed


@pytest.mark.parametrize(("acted", "by"), [(9.05, {"platform?", "promote"}), (12.5, {"platform"})])
def test_where_only_some_fail_a_moment_of_good_service_does_not_tell_who_ended_it(acted: float, by: set[str]) -> None:
    """Trouble ends with its last violation, which may lie before a procedure that mends just then; long before it is
    another matter."""
    probes = [Asking("read", 0.05), Asking("write", 0.05, write=True)]
    seen = set[str | None]()
    for seed in range(12):
        entry = judge(
            DrillStory(
                outages=[Outage(5.2, 9.0, "error", share=0.1)],
                probes=probes,
                recovery=(6.0, acted + 1.0),
                steps=[("wait", 6.0, acted, "skipped"), ("promote", acted, acted + 0.9, "done")],
                seed=seed,
                load=None,
                declared={"load": None, "proves_procedure": False, "recovery": "promote"},
                judged=["rto"],
            ).events()
        )
        seen.add(entry.recovered_by)
        if entry.recovered_by == "platform?":
            proved = entry.why or " ".join(entry.reasons)
            assert "came and went" in proved or entry.verdict is Verdict.MET, proved
    assert by - {"promote"} <= seen <= by, seen


def test_a_relapse_right_after_the_window_of_good_service_does_not_hide_before_the_end_of_the_hold() -> None:
    outages = [
        Outage(5.2, 11.7),
        Outage(11.8, 13.1, "refused", frozenset({"write"})),
        Outage(18.02, 18.47, streams=frozenset({"read"})),
    ]
    probes = [Asking("read", 0.05), Asking("write", 1.0, write=True)]
    entry = judge(DrillStory(outages=outages, probes=probes, declared={"rto_budget_s": 10.0}).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "service did not stay" in entry.why


def test_what_the_generator_says_it_did_not_send_counts_against_the_error_budget() -> None:
    """Tasks of two requests: more was asked than there were turns, whatever was left out."""
    chance, events = random.Random(1), list[Event]()
    story = DrillStory(
        declared={"error_budget": 0.5}, load=Asking("load", 0.01), outages=[Outage(5.2, 11.7, share=0.4)]
    )
    for event in story.events():
        of_load = event["kind"] == "request" and event["source"] == "load"
        if of_load and 5.2 < event["intended"] - EPOCH < 11.7 and chance.random() < 0.45:
            continue
        events.append({**event, "rate": 50.0} if event["kind"] == "load" else event)
    about = {"kind": "load", "load": "load", "profile": "steady", "rate": 50.0, "state": "behind", "late_s": 0.0}
    short = {"reason": "4000 requests are under way", "not_sent": 24}
    events += [{"t": EPOCH + at, "since": EPOCH + at - 0.9, **about, **short} for at in range(6, 12)]
    entry = judge(in_order(events))
    assert entry.verdict is Verdict.UNKNOWN
    assert "requests were not sent that might have failed" in " ".join(entry.reasons)


def test_a_second_fault_that_its_experiment_took_back_is_no_better_than_a_first_one() -> None:
    def told(at: float, kind: str, **fields: object) -> Event:
        return {"t": EPOCH + at, "kind": kind, "experiment": "db-failure", **fields}

    events = [
        *DrillStory(declared={"recovery": None}, **ALONE).events(),
        told(5.5, "fault.done", ok=True, why=""),
        {"t": EPOCH + 6.5, "kind": "phase", "phase": "undo"},
        told(7.0, "fault.sent", activity="again"),
        told(7.1, "fault.effect", observed=True, evidence="gone"),
        told(7.3, "fault.effect", observed=True, evidence="gone"),
        told(7.4, "fault.done", ok=True, why=""),
        told(8.0, "fault.undone", undone=["it"], left=[], by="record"),
        told(8.1, "fault.effect", observed=False, evidence="runs"),
    ]
    entry = judge(in_order(events))
    assert entry.verdict is Verdict.UNKNOWN
    assert "was undone by its own experiment" in entry.why


def test_one_good_answer_of_a_slow_probe_is_no_hold() -> None:
    outages = [Outage(5.2, 11.9), Outage(12.5, 60, streams=frozenset({"write"}))]
    probes = [Asking("read", 0.05, stop=17.2), Asking("write", 6.0, write=True, stop=18.1)]
    told = {"load": None, "readback": None, "good": None, "length": 17.4, "judged": ["rto"], **ALONE}
    declared = {"load": None, "recovery": None}
    entry = judge(DrillStory(outages=outages, probes=probes, declared=declared, **told).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert "probe write looked 1 times in the 5.0 s that service was to hold" in entry.why


def test_too_few_good_answers_after_trouble_in_some_of_the_requests_leave_its_end_open() -> None:
    probes = [Asking("read", 0.05, stop=18.0), Asking("write", 1.0, write=True, stop=18.0)]
    told = {"load": None, "readback": None, "good": None, "length": 18.2, "judged": ["rto"], **ALONE}
    declared = {"load": None, "recovery": None, "rto_budget_s": 9.0}
    events = DrillStory(outages=[], probes=probes, declared=declared, **told).events()
    for event in events:
        if event["kind"] == "request" and event["name"] == "write" and round(event["intended"] - EPOCH) in {6, 9, 12}:
            event.update(outcome="error")
    entry = judge(events)
    assert entry.rto.high_s is not None
    assert entry.rto.high_s > 10, "one in three failed, and five good ones in a row are no end of that"
    assert entry.verdict is Verdict.UNKNOWN


def test_writes_that_a_second_look_could_not_read_are_unread() -> None:
    events = DrillStory(readback=18.0).events()
    late = [event for event in events if event["kind"] == "write" and 18 <= event["asked"] - EPOCH < 29]
    events.append({"t": EPOCH + 18.2, "kind": "judged", "required": ["rto", "rpo"], "began": EPOCH + 17.9})
    unread = {"kind": "readback", "found": "unread", "why": "no answer"}
    events += [{"t": EPOCH + 29.5, "id": event["id"], **unread} for event in late]
    entry = judge(in_order(events))
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.rpo.unread_writes == len(late) > 0


def in_order(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event["t"])
