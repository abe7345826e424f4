"""The load that comes with the package asks what system.yaml says, and takes no wrong answer for right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.recovery.test_failover import Answer, Server

from muster.base.packaged import LOADS
from muster.base.timeline import Timeline, read_timeline
from muster.base.waiting import wait_for
from muster.load.run import LoadRun
from muster.system.definition import SYSTEM_VARIABLE

SYSTEM = """\
schema: muster/system/v1
name: notes
namespace: notes
service: {name: notes, port: 80}
read:
  request: {path: /notes}
  check: {notes.id: {}}
  once_written: {notes: {at_least: 1}}
"""
LEDGER = """\
ledger:
  create: {method: POST, path: /notes, body: {id: "{id}", text: "{content}"}, status: [201]}
  read: {path: "/notes/{id}"}
  content: text
"""


class Notes:
    """A service that keeps notes, until it is told to forget or to alter them."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.forgets = self.alters = False

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        if method == "POST":
            self.kept[body["id"]] = body["text"]
            return 201, body
        if path == "/notes":
            return 200, {"notes": [] if self.forgets else [{"id": one} for one in self.kept]}
        text = self.kept.get(path.rpartition("/")[2])
        if text is None:
            return 404, {}
        return 200, {"id": path.rpartition("/")[2], "text": "altered" if self.alters else text}


@pytest.fixture
def notes() -> Iterator[tuple[Notes, str]]:
    kept = Notes()
    with Server(kept).serving() as url:
        yield kept, url


def outcomes(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, system: str) -> Counter[tuple[str, str]]:
    """What became of 40 requests: name and outcome."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "system.yaml").write_text(system)
    monkeypatch.setenv(SYSTEM_VARIABLE, str(tmp_path / "system.yaml"))
    path = tmp_path / "timeline.jsonl"
    with Timeline.start(path, run="test", drill="test"):
        pass

    def requests() -> list[Any]:
        return [event for event in read_timeline(path) if event["kind"] == "request"]

    run = LoadRun.start(LOADS / "clients.py", rate=100, url=url, timeline=path, directory=tmp_path, ceiling=200, seed=1)
    with run:
        wait_for(lambda: len(requests()) >= 40, within=60, reason="40 requests")
    return Counter((event["name"], event["outcome"]) for event in requests())


def test_it_reads_writes_and_reads_back(
    notes: tuple[Notes, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = outcomes(tmp_path, notes[1], monkeypatch, SYSTEM + LEDGER)
    assert {outcome for _, outcome in found} == {"ok"}, found
    assert {name for name, _ in found} == {"GET /notes", "GET /notes/{id}", "POST /notes"}
    assert all(name.startswith("load-") for name in notes[0].kept), "they can be removed by their prefix"


def test_a_service_that_is_only_read_is_not_written_to(
    notes: tuple[Notes, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = outcomes(tmp_path, notes[1], monkeypatch, SYSTEM)
    assert {name for name, _ in found} == {"GET /notes"}
    assert json.dumps(notes[0].kept) == "{}"


def test_what_was_altered_or_is_missing_is_wrong(
    notes: tuple[Notes, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes[0].alters = notes[0].forgets = True
    found = outcomes(tmp_path, notes[1], monkeypatch, SYSTEM + LEDGER)
    assert found["GET /notes/{id}", "wrong"], found
    assert found["GET /notes/{id}", "ok"] == 0, found
    assert found["GET /notes", "wrong"], "a list is empty although something was written"
