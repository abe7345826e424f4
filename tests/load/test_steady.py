"""The steady load profile, against a server that stands for the enhancer's API."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.probes.service import Service

from muster.base.timeline import Timeline, read_timeline
from muster.base.waiting import wait_for
from muster.load.profiles import find_profile
from muster.load.run import LoadRun

LOADTESTS = Path(__file__).parents[2] / "loadtests"
NAMES = {"GET /workflows/{id}", "GET /workflows", "/status", "/agents", "POST /workflows"}


@pytest.fixture
def enhancer() -> Service:
    service = Service()
    service.pages = {
        "/workflows": {"workflows": [{"id": "w"}]},
        "/status": {"version": "5.1"},
        "/agents": {"agents": [{"name": f"agent-{number:02}"} for number in range(1, 62)]},
    }
    return service


def outcomes(service: Service, directory: Path, *, requests: int) -> Counter[tuple[str, str]]:
    """What became of so many requests of the profile: (name, outcome) counted."""
    timeline = directory / "timeline.jsonl"
    Timeline.start(timeline, run="run", drill="drill").close()

    def seen() -> Counter[tuple[str, str]]:
        asked = [event for event in read_timeline(timeline) if event["kind"] == "request"]
        return Counter((event["name"], event["outcome"]) for event in asked)

    profile = find_profile(LOADTESTS, "steady")
    with LoadRun.start(
        profile, rate=200, url=service.url, timeline=timeline, directory=directory, ceiling=1000, seed=1
    ):
        wait_for(lambda: seen().total() >= requests, within=30, reason=f"{requests} requests")
    return seen()


def test_a_healthy_enhancer_answers_everything_rightly_in_the_mix_that_was_meant(
    enhancer: Service, tmp_path: Path
) -> None:
    with enhancer:
        seen = outcomes(enhancer, tmp_path, requests=300)
    assert {name for name, _ in seen} == NAMES
    assert {outcome for _, outcome in seen} == {"ok"}
    shares = {name: count / seen.total() for (name, _), count in seen.items()}
    assert 0.45 < shares["GET /workflows/{id}"] < 0.7
    assert 0.15 < shares["GET /workflows"] < 0.35
    assert 0.04 < shares["POST /workflows"] < 0.2


def test_answers_with_the_wrong_content_are_wrong(enhancer: Service, tmp_path: Path) -> None:
    enhancer.pages["/agents"]["agents"].pop()
    enhancer.pages["/workflows"] = {"workflows": [{"title": "without an id"}]}
    enhancer.pages["/status"] = {}
    enhancer.forgetful = True
    with enhancer:
        seen = outcomes(enhancer, tmp_path, requests=300)
    assert {name for name, outcome in seen if outcome == "wrong"} == NAMES - {"POST /workflows"}
    assert {outcome for name, outcome in seen if name != "POST /workflows"} == {"wrong"}
