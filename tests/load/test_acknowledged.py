"""What was acknowledged to a load and is gone by its own reading is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.load.test_run import of_kind
from tests.probes.service import CUT, GARBAGE, RESET, Service

from muster.base.waiting import wait_for
from muster.load.acknowledged import REMEMBERED, Acknowledged
from muster.load.run import LoadRun

PROFILE = """
from locust import task
from muster.load.openloop import OpenLoopUser

class Items(OpenLoopUser):
    def on_start(self):
        self.asked = 0

    @task
    def create(self):
        self.asked += 1
        if self.asked > 6:
            return self.read()
        identity = f"item-{self.asked}"
        with self.rest("POST", "/items", name="create", json={"id": identity, "a": 1}, status=(201,)) as answer:
            answer.acknowledged(identity)
            assert identity != "item-6", "what is answered wrongly promises nothing"

    @task(4)
    def read(self):
        identity = f"item-{self.random.randint(1, 6)}"
        with self.rest("GET", f"/items/{identity}", name="read", reads=identity) as answer:
            assert answer.js["a"] == 1

    @task
    def listing(self):
        with self.rest("GET", "/search?id=item-1", name="list") as answer:
            if not answer.js["items"]:
                answer.lost("item-1", "the list is empty")

    @task
    def remove(self):
        if self.asked > 6:
            with self.rest("PUT", "/items/item-3", name="remove", status=(200, 404), removes="item-3"):
                return
        self.read()
"""


@pytest.fixture
def running(timeline: Path) -> Iterator[Service]:
    """A service that has acknowledged six things to a load which looks at them, among which only it goes on."""
    profile = timeline.parent / "items.py"
    profile.write_text(PROFILE)
    with (
        Service() as service,
        LoadRun.start(profile, rate=100, url=service.url, timeline=timeline, directory=timeline.parent, ceiling=1000),
    ):
        wait_for(
            lambda: any(event["name"] == "remove" for event in of_kind(timeline, "request")),
            within=30,
            reason="the load to have written all and removed some",
        )
        yield service


def more(timeline: Path, number: int = 60) -> None:
    """Wait for so many requests more."""
    wanted = len(of_kind(timeline, "request")) + number
    wait_for(lambda: len(of_kind(timeline, "request")) >= wanted, within=30, reason=f"{number} requests more")


def test_what_was_acknowledged_and_is_gone_or_altered_is_told_at_each_look(running: Service, timeline: Path) -> None:
    for identity in ("item-1", "item-3", "item-6"):
        running.store.pop(identity)
    running.store["item-2"] = {"id": "item-2", "a": 2}
    wait_for(
        lambda: {event["name"] for event in of_kind(timeline, "load.lost")} == {"read", "list"},
        within=30,
        reason="reader and list to find it",
    )
    more(timeline)
    told = of_kind(timeline, "load.lost")
    assert {(event["id"], event["name"], event["found"], event["status"], event["why"]) for event in told} == {
        ("item-1", "read", "lost", 404, "status 404"),
        ("item-1", "list", "lost", 200, "the list is empty"),
        ("item-2", "read", "altered", 200, 'AssertionError: assert answer.js["a"] == 1'),
    }, "neither what the load removed itself, nor what was never acknowledged"
    requests = of_kind(timeline, "request")
    created = {event["done"] for event in requests if event["name"] == "create"}
    wrong = {event["done"] for event in requests if event["outcome"] == "wrong"}
    assert len(told) > 4, "each look is told"
    for event in told:
        assert event["acknowledged"] in created
        assert event["acknowledged"] <= event["sent"] <= event["t"]
        assert event["t"] in wrong, "beside the request itself"
        assert (event["load"], event["profile"]) == ("load-1", "items")


def test_what_is_read_again_after_it_was_missed_is_told(running: Service, timeline: Path) -> None:
    kept = running.store.pop("item-1")
    wait_for(
        lambda: any(event["name"] == "read" for event in of_kind(timeline, "load.lost")),
        within=30,
        reason="a reader to miss it",
    )
    running.store["item-1"] = kept
    wait_for(
        lambda: of_kind(timeline, "load.lost")[-1]["found"] == "same", within=30, reason="a reader to find it again"
    )
    more(timeline)
    told = [event for event in of_kind(timeline, "load.lost") if event["found"] == "same"]
    assert {(event["id"], event["name"], event["status"], event["why"]) for event in told} == {
        ("item-1", "read", 200, "")
    }
    assert len(told) <= 2, "and not at each look; a look that was under way may miss it once more"


def test_who_gets_no_answer_to_that_proves_nothing_lost(running: Service, timeline: Path) -> None:
    for behaviour in (500, 403, RESET, GARBAGE, CUT):
        running.behaviour = behaviour
        more(timeline, 20)
    assert of_kind(timeline, "load.lost") == []


def test_only_what_was_acknowledged_before_a_look_was_sent_counts() -> None:
    known = Acknowledged()
    known.add("a", 5.0)
    assert known.before("a", 5.0) == 5.0
    assert known.before("a", 4.9) is None
    assert known.before("b", 9.0) is None
    known.add("a", 7.0)
    assert known.before("a", 6.0) is None, "it was written anew meanwhile"
    known.remove("a")
    assert known.before("a", 9.0) is None


def test_the_oldest_are_forgotten_beyond_what_is_remembered() -> None:
    known = Acknowledged()
    for number in range(REMEMBERED + 1):
        known.add(number, 0.0)
    assert known.before(0, 1.0) is None
    assert known.before(1, 1.0) == 0.0
