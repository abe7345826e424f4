"""A procedure is a row of steps, each checked, done and verified; the first that fails ends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from tests.steps.rehearsed import Bench, Rehearsal

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.base.timeline import read_timeline
from muster.kube import Cluster
from muster.recovery import find_procedure, procedures
from muster.steps import Step


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_steps_are_done_in_order_or_skipped(bench: Bench) -> None:
    outcome = bench.run(bench.step("look", acts=False), bench.step("idle", needed=False), bench.step("act"))
    assert outcome.ok
    assert [(step.name, step.state, step.detail) for step in outcome.steps] == [
        ("look", "done", "did look"),
        ("idle", "skipped", "nothing to do"),
        ("act", "done", "did act"),
    ]
    assert bench.traces == ["look", "act"]
    assert bench.events() == [
        ("recovery.began", None, None),
        ("recovery.step", "look", "began"),
        ("recovery.step", "look", "done"),
        ("recovery.step", "idle", "began"),
        ("recovery.step", "idle", "skipped"),
        ("recovery.step", "act", "began"),
        ("recovery.step", "act", "done"),
        ("recovery.ended", None, True),
    ]
    acts = {event["step"]: event["acts"] for event in read_timeline(bench.path) if event["kind"] == "recovery.step"}
    assert acts == {"look": False, "idle": True, "act": True}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"raises": "the cluster is away"}, "step 'second' failed: the cluster is away"),
        (
            {"works": False, "within_s": 3.0},
            "step 'second' failed: did second, but waited 3 s for it to take effect",
        ),
    ],
)
def test_a_failing_step_ends_the_procedure(bench: Bench, how: dict[str, Any], why: str) -> None:
    outcome = bench.run(bench.step("first"), bench.step("second", **how), bench.step("third"))
    assert not outcome.ok
    assert outcome.why == why
    assert bench.traces == ["first", "second"]
    assert bench.events()[-2:] == [("recovery.step", "second", "failed"), ("recovery.ended", None, False)]


def test_a_step_that_waits_says_what_for_while_it_does_and_where_that_was_in_vain(bench: Bench) -> None:
    looks: list[int] = []

    def missing() -> str:
        looks.append(1)
        if len(looks) == 3:
            raise ClusterError("no answer")
        return "pod a cannot be scheduled" if len(looks) < 3 else "pod a is not ready"

    outcome = bench.run(bench.step("add", works=False, within_s=20.0, waits_for=missing), watched=True)
    assert outcome.why == (
        "step 'add' failed: did add, but waited 20 s for it to take effect; last seen: pod a is not ready"
    )
    assert bench.traces == [
        *("began add", "add", "add waits: pod a cannot be scheduled"),
        "add waits: what is missing cannot be told: no answer",
        *("add waits: pod a is not ready", "failed add"),
    ]
    waits = [event for event in read_timeline(bench.path) if event["kind"] == "recovery.waits"]
    assert (waits[0]["step"], waits[0]["what"]) == ("add", "pod a cannot be scheduled")
    assert len(waits) == 3, "the same is not said again"


def test_what_takes_effect_at_once_is_not_worth_a_word(bench: Bench) -> None:
    bench.run(bench.step("act", waits_for=lambda: "never asked"), watched=True)
    assert bench.traces == ["began act", "act", "done act"]


def test_a_check_that_cannot_be_made_ends_the_procedure(bench: Bench) -> None:
    def cannot() -> bool:
        raise ClusterError("no answer")

    outcome = bench.run(Step("look", cannot, lambda: "", lambda: True), bench.step("act"))
    assert outcome.why == "step 'look' failed: no answer"
    assert bench.traces == []


def test_every_step_is_in_the_audit_log(bench: Bench) -> None:
    bench.run(bench.step("first"), bench.step("second", raises="no"))
    lines = [json.loads(line) for line in bench.audit.path.read_text().splitlines()]
    assert [(line["act"], line["target"], line["outcome"]) for line in lines] == [
        ("recovery rehearse", "bench/shop", "begun"),
        ("recovery rehearse: first", "bench/shop", "done"),
        ("recovery rehearse: second", "bench/shop", "failed"),
        ("recovery rehearse", "bench/shop", "failed"),
    ]


def test_an_observer_is_told_of_each_step_while_it_lasts(bench: Bench) -> None:
    bench.run(bench.step("first"), bench.step("idle", needed=False), bench.step("last", raises="no"), watched=True)
    assert bench.traces == [
        *("began first", "first", "done first"),
        *("began idle", "skipped idle"),
        *("began last", "last", "failed last"),
    ]


def test_a_step_that_breaks_is_recorded_and_raised(bench: Bench) -> None:
    def broken() -> str:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        bench.run(Step("odd", lambda: True, broken, lambda: True))
    assert bench.events()[-1] == ("recovery.ended", None, False)


def test_it_is_on_record_from_before_it_acts_until_it_has_ended(bench: Bench) -> None:
    bench.run(bench.step("look", acts=False), bench.step("idle", needed=False), bench.step("a"), bench.step("b"))
    assert bench.noted == ["look", "recorded", "a", "recorded", "b", "closed"]
    assert bench.cluster.begun() == []


def test_on_a_healthy_system_nothing_is_recorded(bench: Bench) -> None:
    bench.run(bench.step("look", acts=False), bench.step("idle", needed=False))
    assert bench.noted == ["look"]


def test_what_cannot_be_recorded_is_not_done(bench: Bench) -> None:
    bench.cluster.refuses = "configmaps is forbidden"
    assert bench.run(bench.step("act")).why == "step 'act' failed: configmaps is forbidden"
    assert bench.noted == []


def cut(bench: Bench, *before: Step) -> None:
    """A procedure that ends in the middle of a step, with its process."""

    def killed() -> str:
        raise SystemExit("killed")

    with pytest.raises(SystemExit):
        bench.run(*before, Step("fence", lambda: True, killed, lambda: True))
    bench.path.unlink()


def test_one_that_was_cut_is_named_with_the_command_that_ends_it(bench: Bench) -> None:
    cut(bench)
    (record,) = bench.cluster.begun()
    told = record.told(cast("Cluster", bench.cluster))
    assert "procedure 'rehearse' of " in told
    assert "has not ended in namespace 'shop' of context 'bench', it was at step 'fence'" in told
    assert told.endswith("end it: muster recover rehearse --kube-context bench")
    assert bench.run(bench.step("fence", needed=False)).ok
    assert bench.cluster.begun() == []


def test_another_does_not_run_beside_one_that_was_cut(bench: Bench) -> None:
    cut(bench)
    name, Rehearsal.name = Rehearsal.name, "other"
    try:
        outcome = bench.run(bench.step("act"))
    finally:
        Rehearsal.name = name
    assert outcome.why.startswith("refused: procedure 'rehearse' of ")
    assert bench.traces == []


@pytest.mark.parametrize(
    ("how", "failed"),
    [
        ({"raises": "no answer"}, "no answer"),
        ({"works": False, "within_s": 3.0}, "did second, but waited 3 s for it to take effect"),
        ({"raises": "changed by another", "error": RefusedError}, "changed by another"),
    ],
)
def test_one_that_failed_in_its_middle_stays_on_record(bench: Bench, how: dict[str, Any], failed: str) -> None:
    bench.run(bench.step("first"), bench.step("second", **how))
    (record,) = bench.cluster.begun()
    assert (record.step, record.failed) == ("second", failed)
    assert "run it to its end: muster recover rehearse" in record.told(cast("Cluster", bench.cluster))


def test_one_that_refused_before_it_did_anything_has_begun_nothing(bench: Bench) -> None:
    bench.run(bench.step("first", raises="system.yaml allows no more", error=RefusedError))
    assert bench.cluster.begun() == []


def test_a_refusal_does_not_take_one_off_record_that_had_begun(bench: Bench) -> None:
    cut(bench)
    bench.run(bench.step("first", raises="changed by another", error=RefusedError))
    assert [record.failed for record in bench.cluster.begun()] == ["changed by another"]


def test_a_failed_look_leaves_the_record_of_one_that_was_cut(bench: Bench) -> None:
    cut(bench)
    assert not bench.run(bench.step("look", raises="no answer", acts=False)).ok
    assert [record.step for record in bench.cluster.begun()] == ["fence"]


def test_an_unknown_procedure_is_answered_with_those_there_are() -> None:
    assert [p.name for p in procedures()] == sorted(p.name for p in procedures())
    with pytest.raises(UsageError, match=r"'reboot' not known \(there are: .*promote-standby, .*restart-service.*\)"):
        find_procedure("reboot")
