"""What is run before and after a drill: in order, within a limit, its lines kept; what comes after is always run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from muster.base.timeline import Event, Timeline, read_timeline
from muster.safety.hooks import Hooks


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    Timeline.start(tmp_path / "drill.jsonl", run="run-1", drill="drill").close()
    return tmp_path / "drill.jsonl"


def run(timeline: Path, when: Any, *commands: str, within_s: float = 30.0, **more: str) -> tuple[str, list[Event]]:
    """Run hooks; why one failed, and what is told of them."""
    hooks = Hooks.of(when, commands, directory=timeline.parent, within_s=within_s, drill="flood", target="staging/shop")
    with Timeline(timeline) as open_timeline:
        why = Hooks.from_json(json.loads(json.dumps(hooks.to_json()))).run(open_timeline, **more)
    return why, [event for event in read_timeline(timeline) if event["kind"] == "hook"]


def test_a_command_finds_the_drill_in_its_environment_and_its_lines_are_told(timeline: Path) -> None:
    said = "sh -c 'echo $MUSTER_HOOK $MUSTER_DRILL $MUSTER_TARGET $MUSTER_VERDICT; echo done >&2'"
    why, events = run(timeline, "after", said, MUSTER_VERDICT="missed")
    assert why == ""
    assert [event["state"] for event in events] == ["began", "output", "output", "ended"]
    assert [event["line"] for event in events[1:3]] == ["after flood staging/shop missed", "done"]
    assert (events[-1]["ok"], events[-1]["command"]) == (True, said)


def test_before_a_drill_the_first_that_fails_is_the_last(timeline: Path) -> None:
    why, events = run(timeline, "before", "sh -c 'echo no room; exit 3'", "true")
    assert why == "'sh -c 'echo no room; exit 3'' ended with 3: no room"
    assert [event["state"] for event in events] == ["began", "output", "ended"]
    assert (events[-1]["ok"], events[-1]["why"]) == (False, why)


def test_after_a_drill_each_is_run_whatever_becomes_of_the_others(timeline: Path) -> None:
    why, events = run(timeline, "after", "false", "./gone.sh", "sleep 30", "true", within_s=0.5)
    assert why == "'false' ended with 1"
    ended = {event["command"]: event["why"] for event in events if event["state"] == "ended"}
    assert "there is no program" in ended["./gone.sh"]
    assert ended["sleep 30"] == "'sleep 30' was ended: it ran for more than 0.5 s"
    assert ended["true"] == ""


def test_a_timeline_that_cannot_be_written_keeps_nothing_from_being_run(timeline: Path) -> None:
    hooks = Hooks.of("after", ["touch run"], directory=timeline.parent, within_s=30, drill="d", target="t")
    with Timeline(timeline) as closed:
        closed.close()
        assert hooks.run(closed) == ""
    assert (timeline.parent / "run").exists()
