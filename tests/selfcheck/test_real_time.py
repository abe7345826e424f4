"""A sample of `make selfcheck` in real time: muster's own prober and load against the scripted service.

Nothing here depends on speed: how narrow the intervals are is printed by `make selfcheck`, not asserted.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from selfcheck.cases import KINDS, Case, draw
from selfcheck.instrument import Instrument, Plan
from selfcheck.realtime import measure

from muster.base.timeline import read_timeline
from muster.verdict import Verdict, judge

PLACEBO = Plan(steady_s=1.6, watch_s=2.0, required=("rto", "rpo", "slo"))


@pytest.mark.whole_machine  # a slow answer is trouble, whoever made it slow
def test_the_truth_lies_inside_or_the_verdict_is_unknown(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    drawn = [draw(number, seed, longest=0.5) for number in random.Random(seed).sample(range(len(KINDS)), 3)]
    for one in measure(drawn, Plan(), tmp_path, jobs=1):
        assert one.inside or one.verdict is Verdict.UNKNOWN, f"seed {seed}: {one}"
        assert one.truth.length_s > 0


def test_a_fault_that_does_nothing_is_no_disruption(tmp_path: Path) -> None:
    with Instrument(tmp_path, PLACEBO) as instrument:
        path, _ = instrument.measure(Case(0, "placebo", ()))
    events = read_timeline(path)
    entry = judge(events)
    assert entry.fault is not None
    assert entry.fault.landed is True, entry.why
    # A machine without a processor to spare may answer too late, and that would be no false alarm.
    outcomes = {event["outcome"] for event in events if event["kind"] == "request"}
    assert outcomes <= {"ok", "timeout"}
    if outcomes == {"ok"}:
        assert entry.rto.value_s == 0
    assert entry.rpo.lost_writes == 0


def test_each_case_of_an_instrument_has_a_timeline_of_its_own(tmp_path: Path) -> None:
    number = list(KINDS).index("refused")
    with Instrument(tmp_path) as instrument:
        paths = [instrument.measure(draw(n, 1, longest=0.1))[0] for n in (number, number + len(KINDS))]
    for path in paths:
        events = read_timeline(path)
        declared = next(event["t"] for event in events if event["kind"] == "declared")
        assert sum(event["kind"] == "fault.sent" for event in events) == 1
        assert {event["source"] for event in events if event["kind"] == "request"} == {"probe", "load"}
        assert min(event["done"] for event in events if event["kind"] == "request") >= declared
        states = [(event["kind"], event["state"]) for event in events if event["kind"] in ("prober", "load")]
        assert states.count(("prober", "started")) == states.count(("load", "started")) == 1


def test_what_goes_wrong_in_one_instrument_ends_the_measuring(tmp_path: Path) -> None:
    told: list[int] = []

    def tell(case: Case) -> None:
        told.append(case.number)
        raise LookupError("the second case")

    with pytest.raises(LookupError):
        measure([draw(number, 1, longest=0.1) for number in range(9)], Plan(), tmp_path, jobs=1, tell=tell)
    assert told == [0]
