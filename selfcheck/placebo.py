"""Placebo: a fault that lands and does nothing to clients, of a service that has a healthy one's little noise."""

from __future__ import annotations

from muster.verdict import Verdict
from selfcheck.cases import Case
from selfcheck.instrument import Plan
from selfcheck.results import Result

# As a drill has it: 3 s steady, 5 s of hold, everything required. Answers take 1 to 30 ms, one in 200 60 ms.
PLAN = Plan(steady_s=3.0, hold_s=5.0, watch_s=5.5, required=("rto", "rpo", "slo"), answers=(0.001, 0.03), rarely=0.005)


def placebos(count: int) -> list[Case]:
    """So many cases in which nothing happens."""
    return [Case(number, "placebo", ()) for number in range(count)]


def alarmed(one: Result) -> bool:
    """Whether it was a false alarm: a disruption, or objectives that were not met."""
    return one.value_s != 0 or one.verdict is not Verdict.MET
