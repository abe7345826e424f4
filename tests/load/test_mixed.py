"""The mixed load profile, against a server that stands for the enhancer's API."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.load.test_run import of_kind
from tests.probes.service import Service

from muster.base.timeline import Event, Timeline
from muster.base.waiting import wait_for
from muster.load.profiles import find_profile
from muster.load.run import LoadRun

LOADTESTS = Path(__file__).parents[2] / "loadtests"
CREATED = "POST /workflows"
WATCHED = "GET /workflows/{id} progress"
NAMES = {"GET /workflows", "GET /workflows/{id}", "GET /workflows?state=done", WATCHED, "/status", "/agents", CREATED}


class Enhancer(Service):
    """Knows the workflows that were created, with a state each."""

    def __init__(self) -> None:
        super().__init__()
        self.progress: dict[str, Any] = {"state": "running", "done": 3}
        self.pages = {
            "/workflows": {"workflows": [{"id": "w", "state": "done"}]},
            "/status": {"version": "5.1"},
            "/agents": {"agents": [{"name": f"agent-{number:02}"} for number in range(1, 62)]},
        }

    def _act(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        status, document = super()._act(method, target, body)
        return status, {**document, **self.progress} if target.startswith("/workflows/") else document


def asked(service: Service, directory: Path, *, requests: int) -> list[Event]:
    """So many requests of the profile."""
    timeline = directory / "timeline.jsonl"
    Timeline.start(timeline, run="run", drill="drill").close()
    profile = find_profile(LOADTESTS, "mixed")
    with LoadRun.start(
        profile, rate=200, url=service.url, timeline=timeline, directory=directory, ceiling=1000, seed=1
    ):
        wait_for(lambda: len(of_kind(timeline, "request")) >= requests, within=30, reason=f"{requests} requests")
    return of_kind(timeline, "request")


@pytest.fixture
def enhancer() -> Enhancer:
    return Enhancer()


def test_a_healthy_enhancer_answers_everybody_rightly_in_the_mix_that_was_meant(
    enhancer: Enhancer, tmp_path: Path
) -> None:
    with enhancer:
        seen = asked(enhancer, tmp_path, requests=400)
    assert {event["outcome"] for event in seen} == {"ok"}
    names = Counter(event["name"] for event in seen)
    assert set(names) == NAMES
    watchers = names[WATCHED] + names["/status"] + names["/agents"]
    assert 0.08 < names[CREATED] / names.total() < 0.25
    assert 0.17 < watchers / names.total() < 0.34
    connections = Counter((event["name"], event["conn"]) for event in seen)
    assert connections[CREATED, "kept"] == 0, "a script opens a connection for each"
    assert connections["GET /workflows", "kept"] > connections["GET /workflows", "new"]


def test_answers_with_the_wrong_content_are_wrong(enhancer: Enhancer, tmp_path: Path) -> None:
    enhancer.pages["/agents"]["agents"].pop()
    enhancer.pages["/workflows"] = {"workflows": [{"id": "", "state": "running"}]}
    enhancer.pages["/status"] = {}
    enhancer.progress = {"state": "lost", "title": "of another"}
    with enhancer:
        seen = asked(enhancer, tmp_path, requests=300)
    assert {event["name"] for event in seen if event["outcome"] == "wrong"} == NAMES - {CREATED}
    # A workflow of the wrong title is seen by whoever reads it, one of no known state by whoever watches it.
    assert {event["outcome"] for event in seen if event["name"] != CREATED} == {"wrong"}
