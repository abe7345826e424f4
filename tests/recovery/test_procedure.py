"""A procedure is a row of steps, each checked, done and verified; the first that fails ends it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from muster.base.clock import VirtualClock
from muster.base.errors import ClusterError, UsageError
from muster.base.timeline import Timeline, read_timeline
from muster.kube import Cluster
from muster.recovery import Context, Outcome, Step, StepOutcome, find_procedure, procedures, run
from muster.recovery.procedure import NO_PARAMETERS
from muster.safety import AuditLog
from muster.system import SystemDefinition


class Rehearsal:
    """A procedure made of the steps that it is given."""

    name = "rehearse"
    summary = "for tests"
    parameters = NO_PARAMETERS

    def __init__(self, *steps: Step) -> None:
        self._steps = steps

    def steps(self, _context: Context) -> Iterable[Step]:
        return self._steps


class Bench:
    """Where steps leave their traces."""

    def __init__(self, directory: Path) -> None:
        self.traces: list[str] = []
        self.path = directory / "timeline.jsonl"
        self.audit = AuditLog(directory / "audit.jsonl")

    def step(self, name: str, *, needed: bool = True, works: bool = True, raises: str = "", **more: Any) -> Step:
        def do() -> str:
            self.traces.append(name)
            if raises:
                raise ClusterError(raises)
            return f"did {name}"

        return Step(name, lambda: needed, do, lambda: works, **more)

    def began(self, step: Step) -> None:
        self.traces.append(f"began {step.name}")

    def ended(self, outcome: StepOutcome) -> None:
        self.traces.append(f"{outcome.state} {outcome.name}")

    def run(self, *steps: Step, watched: bool = False) -> Outcome:
        # No step here asks the cluster or the system for anything but the cluster's name.
        cluster = cast("Cluster", SimpleNamespace(context="bench"))
        system = cast("SystemDefinition", None)
        with Timeline.start(self.path, run="test", drill="test") as timeline:
            context = Context(cluster, system, "shop", timeline, self.audit)
            return run(Rehearsal(*steps), context, clock=VirtualClock(), observer=self if watched else None)

    def events(self) -> list[tuple[str, Any, Any]]:
        events = read_timeline(self.path)[1:]
        return [(event["kind"], event.get("step"), event.get("state", event.get("ok"))) for event in events]


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


def test_an_unknown_procedure_is_answered_with_those_there_are() -> None:
    assert [p.name for p in procedures()] == sorted(p.name for p in procedures())
    with pytest.raises(UsageError, match=r"'reboot' not known \(there are: .*promote-standby, .*restart-service.*\)"):
        find_procedure("reboot")
