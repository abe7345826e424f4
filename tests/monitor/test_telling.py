"""Incidents and an Alertmanager are told of each change once, however often they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.alerting.programs import program

from muster.alerting.programs import Programs
from muster.alerting.series import Watched
from muster.base.waiting import wait_for
from muster.incidents import Book
from muster.monitor.memory import Alert, Change
from muster.monitor.sending import Sending
from muster.monitor.telling import Incidents
from muster.monitoring import Asking
from muster.system import read_system

from .looks import at

ENHANCER = Path(__file__).parents[2] / "systems/enhancer"


def change(
    number: int, severity: str | None, was: str | None = None, *, key: str = "web", drill: str | None = None
) -> Change:
    return Change(number, key, at(number), severity, was, f"{key} is wrong", "", f"Pod/{key}", drill)


@pytest.fixture
def incidents(tmp_path: Path) -> Incidents:
    return Incidents("shop", "staging", "history.sqlite", tmp_path)


def book(tmp_path: Path) -> Book:
    return Book.open("history.sqlite", tmp_path, create=True)


def entries(there: Book, identity: str = "latest") -> list[tuple[str, str]]:
    found = there.find(identity)
    return [(entry.kind, entry.text) for entry in there.entries(found.id)]


def test_a_severe_alert_opens_an_incident_that_tells_of_it_to_its_end(tmp_path: Path, incidents: Incidents) -> None:
    story = [change(1, "P2"), change(2, "P1", "P2"), change(3, "P3", key="queue"), change(4, None, "P1")]
    for one in story:
        incidents.tell(one)
    with book(tmp_path) as there:
        (found,) = there.incidents()
        assert (found.severity, found.cause, found.detected, found.state) == ("P1", "Pod/web", at(1), "open")
        assert [text for kind, text in entries(there) if kind == "alert"] == [
            "P2 web is wrong",
            "P1 web is wrong (was P2)",
            "P3 queue is wrong",
            "over: web is wrong",
        ]


def test_what_is_kept_with_an_incident_is_asked_for_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def attached() -> dict[str, Any]:
        asked.append(1)
        return {"snapshot": "night.json"}

    incidents = Incidents("shop", "staging", "history.sqlite", tmp_path, attached=attached)
    for one in (change(1, "P2"), change(2, "P1", "P2")):
        incidents.tell(one)
    with book(tmp_path) as there:
        (first, *_) = there.entries(there.find("latest").id)
        assert (first.kind, first.data["snapshot"], len(asked)) == ("opened", "night.json", 1)


def test_told_again_it_is_noted_once(tmp_path: Path, incidents: Incidents) -> None:
    for _ in range(3):
        for one in (change(1, "P1"), change(2, None, "P1")):
            incidents.tell(one)
    with book(tmp_path) as there:
        assert len(there.incidents()) == 1
        assert [kind for kind, _ in entries(there)] == ["opened", "alert", "alert"]


@pytest.mark.parametrize("cause", ["Pod/web", ""])
def test_whoever_was_killed_between_opening_and_noting_opens_no_second_one(
    tmp_path: Path, incidents: Incidents, cause: str
) -> None:
    with book(tmp_path) as there:
        there.begin(system="shop", cluster="staging", severity="P1", title="web is wrong", cause=cause or "web")
    assert incidents.tell(replace(change(1, "P1"), cause=cause)).startswith("incident ")
    with book(tmp_path) as there:
        assert len(there.incidents()) == 1
        assert [kind for kind, _ in entries(there)] == ["opened", "alert"]


def test_a_lesser_alert_opens_none(tmp_path: Path, incidents: Incidents) -> None:
    assert incidents.tell(change(1, "P3")) == ""
    with book(tmp_path) as there:
        assert there.incidents() == []


def test_an_incident_of_a_drill_says_so(tmp_path: Path, incidents: Incidents) -> None:
    incidents.tell(change(1, "P1", drill="pod-crash"))
    with book(tmp_path) as there:
        assert there.find("latest").drill == "pod-crash"


def test_an_alertmanager_hears_of_what_fires_what_is_over_and_that_the_monitor_lives() -> None:
    """A real one: what it takes for one alert, and for over, is its own."""
    for name in ("alertmanager", "prometheus"):
        program(name)
    alert = Alert("web", "web is wrong", "", "Pod/web", at(0), severity="P1", raised=at(1))
    with (
        Programs.start(Watched(read_system(ENHANCER))) as programs,
        Asking(programs.alertmanager, limit_s=5, token=None) as asking,
    ):
        sending = Sending(asking, "shop", "staging", "shop")

        def there() -> dict[str, Any]:
            found = httpx.get(f"{programs.alertmanager}/api/v2/alerts", trust_env=False).json()
            return {one["labels"]["alertname"]: one for one in found if one["labels"]["system"] == "shop"}

        for _ in range(3):
            sending.send([alert], [])
        wait_for(lambda: len(there()) == 2, within=20, reason="both alerts")
        assert there()["SystemUnwell"]["startsAt"] == at(1).replace("00.000", "00.000")
        assert there()["SystemUnwell"]["labels"]["severity"] == "P1"
        assert "MonitorHeartbeat" in there()
        wait_for(lambda: programs.told.get("P1"), within=20, reason="the page")
        wait_for(lambda: programs.told.get("heartbeat"), within=20, reason="the heartbeat")
        sending.send([], [change(9, None, "P1")])
        wait_for(lambda: "SystemUnwell" not in there(), within=20, reason="the alert to be over")
        assert len(programs.told["P1"]) == 1, "nobody is paged twice"
