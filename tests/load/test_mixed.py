"""The mixed load profile, against a server that stands for the enhancer's API."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.load.enhancer import Enhancer
from tests.load.test_run import of_kind
from tests.load.test_steady import asked

CREATED = "POST /workflows"
WATCHED = "GET /workflows/{id} progress"
DONE = "GET /workflows?state=done"
NAMES = {"GET /workflows", "GET /workflows/{id}", DONE, WATCHED, "/status", "/agents", CREATED}


def test_a_healthy_enhancer_answers_everybody_rightly_in_the_mix_that_was_meant(timeline: Path) -> None:
    with Enhancer() as enhancer:
        seen = asked(enhancer, timeline, 400, profile="mixed")
        assert "done" in {made["state"] for made in enhancer.store.values()}
    assert {event["outcome"] for event in seen} == {"ok"}
    assert of_kind(timeline, "load.lost") == []
    names = Counter(event["name"] for event in seen)
    assert set(names) == NAMES
    watchers = names[WATCHED] + names["/status"] + names["/agents"]
    assert 0.08 < names[CREATED] / names.total() < 0.25
    assert 0.17 < watchers / names.total() < 0.34
    connections = Counter((event["name"], event["conn"]) for event in seen)
    assert connections[CREATED, "kept"] == 0, "a script opens a connection for each"
    assert connections["GET /workflows", "kept"] > connections["GET /workflows", "new"]


def test_answers_with_the_wrong_content_are_wrong(timeline: Path) -> None:
    """A workflow of another title is seen by whoever reads it, one in no known state by whoever watches it."""
    with Enhancer() as enhancer:

        def spoil() -> None:
            enhancer.pages["/agents"]["agents"][0]["name"] = "agent-02"
            enhancer.pages["/status"] = {}
            enhancer.empty_lists = True
            enhancer.progress = {"state": "lost"}

        seen = asked(enhancer, timeline, 400, profile="mixed", then=spoil)
    wrong = {event["name"] for event in seen if event["outcome"] == "wrong"}
    assert wrong == NAMES - {CREATED, "GET /workflows/{id}"}
    assert {event["outcome"] for event in seen if event["name"] in wrong} == {"wrong"}
    # What a list lacked may be read by its id right after: then it is told to be the same.
    told = {event["name"] for event in of_kind(timeline, "load.lost") if event["found"] != "same"}
    assert told == {"GET /workflows", DONE}, "a state is nothing that was acknowledged"
