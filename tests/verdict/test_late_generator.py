"""A generator that cannot keep up: good figures prove nothing, and bad ones no miss where they may be its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from muster.base.timeline import Event
from muster.verdict import Verdict, judge
from muster.verdict.testing import EPOCH, DrillStory

SINCE, UNTIL = EPOCH + 5.0, EPOCH + 11.5
# Held to while service is under a load that it must bear, as in a drill of overload.
LATENCY = {"name": "latency_p95", "target": 1.0, "windows": ["during"]}
FAST = {"name": "fast", "measure": "fast_answers", "target": 0.95, "threshold_s": 1.0, "windows": ["during"]}
GOODPUT = {"name": "goodput", "measure": "goodput", "target": 85.0, "windows": ["during"]}
Change = Callable[[Event], Event | None]


def sent_late(event: Event) -> Event:
    """Sent 1.2 s after it was due, and answered at once."""
    return {**event, "t": event["t"] + 1.2, "sent": event["sent"] + 1.2, "done": event["done"] + 1.2}


def answered_after(seconds: float) -> Change:
    return lambda event: {**event, "t": event["t"] + seconds, "done": event["done"] + seconds}


def left_out(event: Event) -> Event | None:
    return None if round((event["intended"] - EPOCH) / 0.02) % 5 == 0 else event


def judged(change: Change, objective: dict[str, Any], **told: Any) -> tuple[Verdict | None, str]:
    """What becomes of an objective while a fault is in force that nobody felt but by this: the load's requests were
    `change`d, and the generator told something about it."""
    events = list[Event]()
    for event in DrillStory(outages=[], declared={"objectives": [objective]}, judged=["slo"]).events():
        mine = event["kind"] == "request" and event["source"] == "load" and SINCE <= event["intended"] < UNTIL
        if (changed := change(event) if mine else event) is not None:
            events.append(changed)
    if told:
        about = {"kind": "load", "state": "behind", "reason": "its schedule is late", "load": "load-1", "rate": 50.0}
        events.append({"t": UNTIL, "since": SINCE, **about, "not_sent": 0, "late_s": 0.0, **told})
    entry = judge(events)
    (found,) = (one for one in entry.slo if one.name == objective["name"])
    return found.verdict, found.why or ""


@pytest.mark.parametrize("objective", [LATENCY, FAST], ids=["p95", "share"])
def test_what_was_slow_by_the_generators_own_delay_is_no_miss(objective: dict[str, Any]) -> None:
    verdict, why = judged(sent_late, objective, late_s=1.2, not_sent=10)
    assert verdict is Verdict.UNKNOWN
    assert "the load generator could not keep up: 10 requests were not sent" in why
    assert judged(sent_late, objective)[0] is Verdict.MISSED  # it does not say so, and late is late for a user


@pytest.mark.parametrize("objective", [LATENCY, FAST], ids=["p95", "share"])
def test_what_may_have_been_seen_late_is_no_miss_and_what_was_slower_is_one(objective: dict[str, Any]) -> None:
    assert judged(answered_after(1.1), objective, late_s=0.4, not_sent=10)[0] is Verdict.UNKNOWN
    assert judged(answered_after(2.0), objective, late_s=0.4, not_sent=10)[0] is Verdict.MISSED
    assert judged(answered_after(1.1), objective, late_s=0.4)[0] is Verdict.MISSED  # a little late: it kept up


def test_a_goodput_that_what_was_not_sent_may_have_cost_is_no_miss() -> None:
    lacking = 65  # of 325, so that 40/s and not 50 were good, and 40/s of the probes
    assert judged(left_out, GOODPUT)[0] is Verdict.MISSED
    assert judged(left_out, GOODPUT, not_sent=lacking)[0] is Verdict.UNKNOWN
    assert judged(left_out, GOODPUT, not_sent=10)[0] is Verdict.MISSED


def test_a_good_figure_of_a_generator_that_fell_short_is_unknown() -> None:
    assert judged(dict, LATENCY, not_sent=10)[0] is Verdict.UNKNOWN
    assert judged(dict, LATENCY)[0] is Verdict.MET
