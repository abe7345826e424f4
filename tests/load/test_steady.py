"""The steady load profile, against a server that stands for the enhancer's API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.load.enhancer import Enhancer
from tests.load.test_run import of_kind

from muster.base.timeline import Event
from muster.base.waiting import wait_for
from muster.load.profiles import find_profile
from muster.load.run import LoadRun

LOADTESTS = Path(__file__).parents[2] / "loadtests"
NAMES = {"GET /workflows/{id}", "GET /workflows", "/status", "/agents", "POST /workflows"}


def asked(
    service: Enhancer, timeline: Path, requests: int, *, profile: str = "steady", then: Callable[[], None] | None = None
) -> list[Event]:
    """What became of so many requests of a profile; with `then`, of as many after that was done."""
    tail: list[Event] = []
    with LoadRun.start(
        find_profile(LOADTESTS, profile),
        rate=200,
        url=service.url,
        timeline=timeline,
        directory=timeline.parent,
        ceiling=1000,
        seed=1,
    ):
        wait_for(lambda: len(of_kind(timeline, "request")) >= requests, within=60, reason=f"{requests} requests")
        if then:
            then()
            # Those that were under way then are told within a moment; what comes later is of what was done.
            after = len(of_kind(timeline, "request")) + 20
            wait_for(lambda: len(of_kind(timeline, "request")) >= after + requests, within=60, reason="as many again")
            tail = of_kind(timeline, "request")[after:]
    return tail or of_kind(timeline, "request")


def test_a_healthy_enhancer_answers_everything_rightly_in_the_mix_that_was_meant(timeline: Path) -> None:
    with Enhancer() as enhancer:
        seen = asked(enhancer, timeline, 300)
    names = Counter(event["name"] for event in seen)
    assert set(names) == NAMES
    assert {event["outcome"] for event in seen} == {"ok"}
    assert of_kind(timeline, "load.lost") == []
    shares = {name: count / names.total() for name, count in names.items()}
    assert 0.45 < shares["GET /workflows/{id}"] < 0.7
    assert 0.15 < shares["GET /workflows"] < 0.35
    assert 0.04 < shares["POST /workflows"] < 0.2


def test_answers_with_the_wrong_content_are_wrong(timeline: Path) -> None:
    """Among them lists without what was acknowledged, and workflows without the payload that they were made with."""
    with Enhancer() as enhancer:

        def spoil() -> None:
            enhancer.pages["/agents"]["agents"].pop()
            enhancer.pages["/status"] = {}
            enhancer.stripped = enhancer.empty_lists = True

        seen = asked(enhancer, timeline, 200, then=spoil)
    assert {event["name"] for event in seen if event["outcome"] == "wrong"} == NAMES - {"POST /workflows"}
    assert {event["outcome"] for event in seen if event["name"] != "POST /workflows"} == {"wrong"}
    told = {(event["name"], event["found"]) for event in of_kind(timeline, "load.lost")}
    assert told == {("GET /workflows/{id}", "altered"), ("GET /workflows", "lost")}


@pytest.mark.parametrize("profile", ["steady", "mixed"])
def test_what_was_acknowledged_and_is_gone_is_told(profile: str, timeline: Path) -> None:
    gone = set()
    with Enhancer() as enhancer:

        def lose() -> None:
            gone.update(enhancer.store)
            enhancer.store.clear()

        asked(enhancer, timeline, 200, profile=profile, then=lose)
    told = of_kind(timeline, "load.lost")
    assert {event["id"] for event in told} <= gone
    assert {event["found"] for event in told} == {"lost"}
    assert "GET /workflows/{id}" in {event["name"] for event in told}
