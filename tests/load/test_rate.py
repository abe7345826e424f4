"""The rate of a running load can be changed: for good by its owner, for a while by a fault; never past the ceiling."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.load.test_run import PROFILE, of_kind
from tests.probes.service import Service

from muster.base.dial import Hand
from muster.base.errors import UsageError
from muster.base.timeline import Event, Tail
from muster.base.waiting import wait_for
from muster.load.run import LoadRun

CEILING = 1000.0


def start(timeline: Path, service: Service, *, rate: float = 50.0) -> LoadRun:
    profile = timeline.parent / "items.py"
    profile.write_text(PROFILE)
    return LoadRun.start(
        profile, rate=rate, url=service.url, timeline=timeline, directory=timeline.parent, ceiling=CEILING
    )


def wait_seen(timeline: Path, look: Callable[[list[Event]], bool], reason: str) -> None:
    tail, seen = Tail(timeline), list[Event]()

    def found() -> bool:
        seen.extend(tail.read())
        return look(seen)

    wait_for(found, within=20, reason=reason)


def changes(events: list[Event]) -> list[float]:
    return [event["rate"] for event in events if event["kind"] == "load" and event["state"] == "rate"]


def gaps(timeline: Path, since: float, until: float) -> list[float]:
    """The times between intended requests in (since, until)."""
    requests = of_kind(timeline, "request")
    intended = sorted(event["intended"] for event in requests if since < event["intended"] < until)
    return [after - before for before, after in itertools.pairwise(intended)]


def test_a_new_rate_holds_from_the_moment_that_the_timeline_tells(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run:
        run.set_rate(200)
        wait_seen(timeline, lambda seen: changes(seen) == [200], "the new rate")
        wait_seen(timeline, lambda seen: sum(e["kind"] == "request" for e in seen) > 150, "requests at the new rate")
    (changed,) = [event for event in of_kind(timeline, "load") if event["state"] == "rate"]
    assert gaps(timeline, 0, changed["t"]) == pytest.approx([1 / 50] * len(gaps(timeline, 0, changed["t"])), abs=1e-6)
    later = gaps(timeline, changed["t"] + 0.1, 1e12)
    assert later
    assert later == pytest.approx([1 / 200] * len(later), abs=1e-6)
    assert of_kind(timeline, "load")[-1]["rate"] == 200, "its end tells the rate at which it ran last"


def test_it_goes_up_and_down_again(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run:
        for number, rate in enumerate((300, 60, 300, 60), 1):
            run.set_rate(rate)
            wait_seen(timeline, lambda seen: len(changes(seen)) == number, "the new rate")  # noqa: B023 - called at once
        told = len(of_kind(timeline, "request"))
        wait_seen(timeline, lambda seen: sum(e["kind"] == "request" for e in seen) > told + 20, "further requests")
    assert of_kind(timeline, "load")[-1]["reason"] != "Locust did not end in time and was killed"


def test_a_rate_is_reached_evenly_where_that_is_wanted(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run:
        run.set_rate(400, over_s=1.0)
        wait_seen(timeline, lambda seen: sum(e["kind"] == "request" for e in seen) > 400, "requests")
    (changed,) = [event for event in of_kind(timeline, "load") if event["state"] == "rate"]
    assert (changed["rate"], changed["over_s"]) == (400, 1.0)
    ramp = gaps(timeline, changed["t"] + 0.1, changed["t"] + 1.0)
    assert ramp == sorted(ramp, reverse=True), "each request comes sooner after the one before"
    later = gaps(timeline, changed["t"] + 1.05, 1e12)
    assert later == pytest.approx([1 / 400] * len(later), abs=1e-6)


def test_what_a_fault_raises_goes_back_when_it_lets_go(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run:
        with Hand(Path(run.environment["MUSTER_LOAD_DIAL"])) as hand:
            hand.turn(300, held=True)
            wait_seen(timeline, lambda seen: changes(seen) == [300], "the raised rate")
        wait_seen(timeline, lambda seen: changes(seen) == [300, 50], "the rate to go back")


def test_no_load_passes_the_ceiling(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run:
        with pytest.raises(UsageError, match=r"more than system.yaml allows \(max_requests_per_s: 1000\)"):
            run.set_rate(2000)
        # The generator does not take anybody's word for it.
        with Hand(Path(run.environment["MUSTER_LOAD_DIAL"])) as hand:
            hand.turn(2000, held=True)
            kept = lambda seen: any(e["kind"] == "load" and e["state"] == "kept" for e in seen)  # noqa: E731
            wait_seen(timeline, kept, "the load to say that it keeps its rate")
    (kept_event,) = [event for event in of_kind(timeline, "load") if event["state"] == "kept"]
    assert "2000 requests/s were wanted, system.yaml allows 1000" in kept_event["reason"]
    assert 2000 not in changes(of_kind(timeline, "load"))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused(timeline: Path, rate: float) -> None:
    with Service() as service, start(timeline, service) as run, pytest.raises(UsageError, match="must be above 0"):
        run.set_rate(rate)


def test_a_rate_cannot_be_reached_before_it_is_wanted(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run, pytest.raises(UsageError, match="over -1 s"):
        run.set_rate(100, over_s=-1)


def test_the_rate_of_a_load_that_was_stopped_cannot_be_changed(timeline: Path) -> None:
    with Service() as service, start(timeline, service) as run:
        run.stop()
        with pytest.raises(UsageError, match="cannot be changed"):
            run.set_rate(100)
