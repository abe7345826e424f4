"""The watch over an alert while a drill runs, seen through its timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from muster.base.clock import now
from muster.base.timeline import Event, Tail, Timeline
from muster.base.waiting import wait_for
from muster.drill.alert import AlertCheck
from muster.monitoring import AlertWatch
from muster.monitoring.testing import LocalMonitoring
from muster.system.monitoring import Monitoring


class Watched:
    """A timeline, a monitoring, and the watch between them."""

    def __init__(self, directory: Path, monitoring: LocalMonitoring, **settings: Any) -> None:
        self.monitoring = monitoring
        self.timeline = Timeline.start(directory / "timeline.jsonl", run="run", drill="drill")
        self.seen: list[Event] = []
        self._tail = Tail(self.timeline.path)
        server = {"url": monitoring.url, "every_s": 0.1, "limit_s": 0.5, **settings}
        described = Monitoring.model_validate({"alertmanager": server})
        self.watch = AlertWatch(described, "DatabaseDown", self.timeline)

    def wait(self, look: Callable[[list[Event]], bool], reason: str) -> None:
        """Wait until what was told since the last wait fits."""
        news: list[Event] = []

        def found() -> bool:
            news.extend(self._tail.read())
            return look(news)

        wait_for(found, within=20, reason=reason)
        self.seen += news

    def wait_for(self, **wanted: str) -> None:
        self.wait(lambda news: any(wanted.items() <= event.items() for event in news), f"an event {wanted}")

    def lost(self) -> str:
        """Why the monitoring was first lost."""
        return next(str(event["why"]) for event in self.seen if event.get("state") == "lost")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with LocalMonitoring() as monitoring:
        watched = Watched(tmp_path, monitoring)
        with watched.timeline, watched.watch:
            yield watched


def test_an_alert_is_told_when_it_begins_and_when_it_ceases(watched: Watched) -> None:
    watched.wait_for(kind="monitoring", state="watching")
    before = now()
    watched.monitoring.fire("DatabaseDown")
    after = now()
    watched.wait_for(kind="alert", state="firing")
    watched.wait(lambda news: len(news) >= 2, "two more looks")
    watched.monitoring.resolve("DatabaseDown")
    watched.wait_for(kind="alert", state="resolved")
    alerts = [event for event in watched.seen if event["kind"] == "alert"]
    assert [(alert["name"], alert["state"]) for alert in alerts] == [
        ("DatabaseDown", "firing"),
        ("DatabaseDown", "resolved"),
    ]
    assert alerts[0]["source"] == f"Alertmanager at {watched.monitoring.url}"
    looks = [event["t"] for event in watched.seen if event["kind"] == "monitoring" and event["t"] < alerts[0]["t"]]
    assert max(looks) <= after, "the alert truly began after the question of the look before"
    assert alerts[0]["t"] >= before, "and before the answer of the look that saw it"
    assert not [event for event in watched.seen if event.get("state") == "lost"]


def test_each_look_carries_the_alert_and_where_it_was_asked(watched: Watched) -> None:
    watched.wait(lambda news: len(news) >= 4, "some looks")
    looks = [event for event in watched.seen if event["kind"] == "monitoring"]
    assert {(look["alert"], look["state"], look["why"]) for look in looks} == {("DatabaseDown", "watching", "")}


def test_a_monitoring_that_goes_away_is_lost_and_found_again(watched: Watched) -> None:
    watched.wait_for(kind="monitoring", state="watching")
    watched.monitoring.stop()
    watched.wait_for(kind="monitoring", state="lost")
    assert "cannot be asked" in watched.lost()
    watched.monitoring.fire("DatabaseDown")
    watched.monitoring.start()
    watched.wait_for(kind="alert", state="firing")


def test_what_is_silenced_is_told_with_the_look(watched: Watched) -> None:
    watched.monitoring.fire("DatabaseDown", state="suppressed", held_by=("4f6a",))
    watched.wait_for(kind="monitoring", why="it fires, but is silenced by 4f6a")
    assert not [event for event in watched.seen if event["kind"] == "alert"]


def test_an_alert_between_two_looks_is_not_seen(tmp_path: Path) -> None:
    with LocalMonitoring() as monitoring:
        watched = Watched(tmp_path, monitoring, every_s=1.0)
        with watched.timeline, watched.watch:
            watched.wait_for(kind="monitoring", state="watching")
            monitoring.fire("DatabaseDown")
            monitoring.resolve("DatabaseDown")
            watched.wait_for(kind="monitoring", state="watching")
        assert not [event for event in watched.seen if event["kind"] == "alert"]


def test_the_watch_says_when_it_ends_and_asks_no_more(tmp_path: Path) -> None:
    with LocalMonitoring() as monitoring:
        watched = Watched(tmp_path, monitoring)
        with watched.timeline:
            with watched.watch:
                watched.wait_for(kind="monitoring", state="watching")
            asked = len(monitoring.asked)
            watched.wait_for(kind="monitoring", state="stopped")
            assert len(monitoring.asked) == asked


def test_a_hung_monitoring_does_not_hold_the_drill(tmp_path: Path) -> None:
    with LocalMonitoring() as monitoring:
        monitoring.delay_s = 60.0
        watched = Watched(tmp_path, monitoring)
        with watched.timeline:
            with watched.watch:
                watched.wait_for(kind="monitoring", state="lost")
                began = now()
            assert now() - began < 20
    assert "did not answer in 0.5 s" in watched.lost()


def test_a_missing_token_is_told_and_nothing_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONITORING_TOKEN", raising=False)
    with LocalMonitoring() as monitoring:
        watched = Watched(tmp_path, monitoring, token_env="MONITORING_TOKEN")
        with watched.timeline, watched.watch:
            watched.wait_for(kind="monitoring", state="lost")
        assert monitoring.asked == []
    assert "MONITORING_TOKEN" in watched.lost()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_timeline_that_cannot_be_written_ends_the_watch(tmp_path: Path) -> None:
    with LocalMonitoring() as monitoring:
        watched = Watched(tmp_path, monitoring)
        watched.timeline.close()
        with watched.watch:
            wait_for(lambda: len(monitoring.asked) >= 1, within=20, reason="a look")


class _Told:
    """As much of a drill as the wait for an alert looks at; the events are told, the times are real."""

    def __init__(self, *, target: float, injected: float | None) -> None:
        server = {"url": "http://127.0.0.1:1", "every_s": 0.1, "limit_s": 0.5}
        monitoring = Monitoring.model_validate({"alertmanager": server})
        self.declaration = SimpleNamespace(name="told", alert="DatabaseDown", detection_target_s=target)
        self.state = SimpleNamespace(definition=SimpleNamespace(monitoring=monitoring))
        self.injected_at = injected
        self.live = SimpleNamespace(events=[])

    @property
    def since_injection_s(self) -> float:
        return now() - (self.injected_at or 0.0)

    def pump(self) -> None:
        """Everything was told already."""

    def tell(self, t: float, kind: str, **fields: str) -> None:
        self.live.events.append({"t": t, "kind": kind, **fields})


def test_waiting_ends_with_the_alert_or_with_a_look_after_its_time() -> None:
    start = now()
    told = _Told(target=5.0, injected=start)
    check = AlertCheck(told, None)  # type: ignore[arg-type]
    told.tell(start - 1, "alert", name="DatabaseDown", state="firing")
    told.tell(start + 1, "alert", name="Another", state="firing")
    told.tell(start + 2, "alert", name="DatabaseDown", state="resolved")
    told.tell(start + 4.9, "monitoring", state="watching")
    told.tell(start + 5.1, "monitoring", state="lost")
    assert check.decided() is None
    told.tell(start + 5.3, "monitoring", state="watching")
    assert check.decided() == "absent"


@pytest.mark.parametrize(("t", "decided"), [(4.9, "firing"), (5.1, "absent")])
def test_an_alert_that_comes_too_late_is_no_detection(t: float, decided: str) -> None:
    start = now()
    told = _Told(target=5.0, injected=start)
    told.tell(start + t, "alert", name="DatabaseDown", state="firing")
    assert AlertCheck(told, None).decided() == decided  # type: ignore[arg-type]
