"""A generator that cannot keep up: good figures prove nothing, and bad ones no miss where they may be its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from muster.base.timeline import Event
from muster.verdict import Verdict, judge
from muster.verdict.conclusion.words import rto_line
from muster.verdict.entry import RtoEntry
from muster.verdict.testing import EPOCH, DrillStory

SINCE, UNTIL = EPOCH + 5.0, EPOCH + 11.5
# Held to while service is under a load that it must bear, as in a drill of overload.
LATENCY = {"name": "latency_p95", "target": 1.0, "windows": ["during"]}
FAST = {"name": "fast", "measure": "fast_answers", "target": 0.95, "threshold_s": 1.0, "windows": ["during"]}
GOODPUT = {"name": "goodput", "measure": "goodput", "target": 85.0, "windows": ["during"]}
Change = Callable[[Event], Event | None]


def sent_after(seconds: float) -> Change:
    """Sent so long after it was due, and answered at once."""
    return lambda event: {**event, **{key: event[key] + seconds for key in ("t", "sent", "done")}}


def answered_after(seconds: float) -> Change:
    return lambda event: {**event, "t": event["t"] + seconds, "done": event["done"] + seconds}


def left_out(event: Event) -> Event | None:
    return None if round((event["intended"] - EPOCH) / 0.02) % 5 == 0 else event


def late(story: DrillStory, since: float, until: float, change: Change, **told: Any) -> list[Event]:
    """A story in which the load's requests of [since, until) were `change`d, and the generator told of it."""
    events = list[Event]()
    for event in story.events():
        mine = event["kind"] == "request" and event["source"] == "load" and since <= event["intended"] < until
        if (changed := change(event) if mine else event) is not None:
            events.append(changed)
    if told:
        about = {"kind": "load", "state": "behind", "reason": "its schedule is late", "load": "load-1", "rate": 50.0}
        events.append({"t": until, "since": since, **about, "not_sent": 0, "late_s": 0.0, **told})
    return events


def judged(change: Change, objective: dict[str, Any], **told: Any) -> tuple[Verdict | None, str]:
    """What becomes of an objective while a fault is in force that nobody felt but by this."""
    story = DrillStory(outages=[], declared={"objectives": [objective]}, judged=["slo"])
    entry = judge(late(story, SINCE, UNTIL, change, **told))
    (found,) = (one for one in entry.slo if one.name == objective["name"])
    return found.verdict, found.why or ""


@pytest.mark.parametrize("objective", [LATENCY, FAST], ids=["p95", "share"])
def test_what_was_slow_by_the_generators_own_delay_is_no_miss(objective: dict[str, Any]) -> None:
    verdict, why = judged(sent_after(1.2), objective, late_s=1.2, not_sent=10)
    assert verdict is Verdict.UNKNOWN
    assert "the load generator could not keep up: 10 requests were not sent" in why
    assert judged(sent_after(1.2), objective)[0] is Verdict.MISSED  # it does not say so, and late is late for a user


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


def rto(change: Change, **told: Any) -> RtoEntry:
    """The RTO of an outage of 6.5 s, after which the load's answers of the next 5 s were `change`d."""
    objective = {"name": "latency_p95", "target": 0.5, "windows": ["before", "after"]}
    story = DrillStory(declared={"objectives": [objective], "rto_budget_s": 9.0, "hold_s": 2.0}, judged=["rto"])
    return judge(late(story, EPOCH + 11.7, EPOCH + 16.7, change, **told)).rto


def test_an_rto_is_missed_by_the_service_and_not_by_the_generators_own_delay() -> None:
    assert rto(dict).budget_verdict is Verdict.MET
    missed, open_ = rto(sent_after(0.8)), rto(sent_after(0.8), late_s=0.8)
    assert missed.budget_verdict is Verdict.MISSED
    assert missed.low_s is not None
    assert missed.low_s > 11.0
    assert open_.budget_verdict is Verdict.UNKNOWN
    assert open_.low_s is not None
    assert 6.0 < open_.low_s < 6.6  # the outage itself
    assert open_.high_s == missed.high_s
    assert "too uncertain for budget 9 s (the load generator was up to 0.8 s late" in rto_line(open_)


def test_an_rto_is_missed_where_the_service_was_slower_than_the_generator_was_late() -> None:
    slow = rto(answered_after(1.5), late_s=0.8)
    assert slow.budget_verdict is Verdict.MISSED
    assert "(" not in rto_line(slow)
