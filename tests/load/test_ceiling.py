"""No drill passes `max_requests_per_s`, however its requests come about: measured at the service's end of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.load.test_run import PROFILE, of_kind
from tests.probes.service import Service

from muster.base.clock import now
from muster.base.dial import Hand
from muster.base.errors import UsageError
from muster.base.waiting import wait_for
from muster.load.run import LoadRun
from muster.load.stages import spike, steady

TWICE = """
from locust import task
from muster.load.openloop import OpenLoopUser

class Twice(OpenLoopUser):
    @task
    def two(self):
        for path in ("/first", "/second"):
            with self.rest("GET", path):
                pass
"""


def start(timeline: Path, url: str = "http://127.0.0.1:1", *, text: str = PROFILE, **settings: Any) -> LoadRun:
    profile = timeline.parent / "items.py"
    profile.write_text(text)
    settings = {"ceiling": 1000.0, **settings}
    return LoadRun.start(profile, url=url, timeline=timeline, directory=timeline.parent, **settings)


def most_in_a_second(timeline: Path, since: float = 0.0) -> int:
    """The most requests that were sent in any second after `since`."""
    sent = sorted(event["sent"] for event in of_kind(timeline, "request") if event["sent"] >= since)
    # A request that got its moment leaves when the machine lets it, some milliseconds later.
    return max(sum(moment <= other < moment + 0.98 for other in sent) for moment in sent)


def pass_time(seconds: float) -> None:
    since = now()
    wait_for(lambda: now() - since >= seconds, within=seconds + 10, reason="time to pass")


def kept(timeline: Path) -> list[str]:
    return [event["reason"] for event in of_kind(timeline, "load") if event["state"] == "kept"]


def test_two_loads_of_one_drill_share_it(timeline: Path) -> None:
    with Service() as service, start(timeline, service.url, rate=100, ceiling=300) as first:
        with pytest.raises(UsageError, match="a load of 201 requests/s beside the 100 of the drill's other loads"):
            start(timeline, service.url, rate=201, ceiling=300)
        with pytest.raises(UsageError, match="stage 'spike' of 250 requests/s beside the 100"):
            start(timeline, service.url, stages=[spike(250, for_s=1, back_to=10)], ceiling=300)
        with start(timeline, service.url, rate=150, ceiling=300) as second:
            with pytest.raises(UsageError, match="beside the 150 of the drill's other loads"):
                first.set_rate(151)
            first.set_rate(150)
            with pytest.raises(UsageError, match="beside the 150"):
                second.set_rate(160)
            with Hand(Path(second.environment["MUSTER_LOAD_DIAL"])) as fault:
                fault.turn(300, held=True)
                wait_for(lambda: kept(timeline), within=20, reason="the second load to keep its rate")
            pass_time(1.0)
        first.set_rate(250)
    assert kept(timeline) == [
        "300 requests/s were wanted, system.yaml allows 300 with the drill's other loads (max_requests_per_s)"
    ]
    assert most_in_a_second(timeline) <= 300 + 6
    assert not list(timeline.parent.glob("load-*")), "what it claimed is left to others"


def test_what_a_load_will_come_to_by_its_stages_counts_from_the_start(timeline: Path) -> None:
    with (
        Service() as service,
        start(timeline, service.url, stages=[steady(10, for_s=60), steady(700, for_s=1)]),
        pytest.raises(UsageError, match="beside the 700"),
    ):
        start(timeline, service.url, rate=301)


@pytest.mark.parametrize("arrivals", ["even", "poisson"])
def test_requests_at_the_ceiling_itself_do_not_pass_it_however_they_come(timeline: Path, arrivals: str) -> None:
    with Service() as service, start(timeline, service.url, rate=120, ceiling=120, arrivals=arrivals):
        pass_time(2.5)
    assert 60 <= most_in_a_second(timeline) <= 120 + 3
    intended = sorted(event["intended"] for event in of_kind(timeline, "request"))
    gaps = [(after - before) * 120 for before, after in itertools.pairwise(intended)]
    assert all(abs(gap - round(gap)) < 1e-3 for gap in gaps) == (arrivals == "even")


def test_tasks_of_several_requests_do_not_pass_it_and_what_is_not_sent_is_told(timeline: Path) -> None:
    """The rate counts tasks, the ceiling counts requests."""
    with Service() as service, start(timeline, service.url, text=TWICE, rate=100, ceiling=100):

        def unsent() -> int:
            return sum(event.get("not_sent", 0) for event in of_kind(timeline, "load"))

        wait_for(lambda: unsent() > 20, within=20, reason="the load to say that it is behind")
    assert most_in_a_second(timeline) <= 100 + 2
    reasons = [event["reason"] for event in of_kind(timeline, "load") if event["state"] == "behind"]
    assert any("no more than 100 requests/s may be sent" in reason for reason in reasons)


def test_two_loads_that_would_each_send_more_than_their_part_do_not_pass_it_together(timeline: Path) -> None:
    settings: dict[str, Any] = {"text": TWICE, "rate": 75, "ceiling": 150}
    with Service() as service, start(timeline, service.url, **settings), start(timeline, service.url, **settings):
        together = now() + 0.5
        pass_time(2.0)
    assert 75 < most_in_a_second(timeline, together) <= 150 + 5


def test_a_load_without_room_leaves_nothing_behind(timeline: Path) -> None:
    with pytest.raises(UsageError, match=r"a load of 1001 requests/s is more than system.yaml allows"):
        start(timeline, rate=1001)
    assert not list(timeline.parent.glob("load-*"))
