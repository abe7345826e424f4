"""Rounds of the monitor: what is told of what is seen, while the cluster, the store or the Alertmanager is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from muster.base.errors import ClusterError
from muster.monitor.metrics import Metrics, served
from muster.monitor.monitor import Monitor, Round
from muster.monitor.sending import Sending
from muster.monitor.telling import Incidents
from muster.monitor.text import Shown
from muster.monitoring import Asking
from muster.monitoring.testing import LocalMonitoring
from muster.snapshot import Snapshot
from muster.wire.names import FAULT_RECORD_LABEL

from .looks import at, memory, snapshot

AWAY = ("cluster", "service", "Pod", "Service", "Node", "ConfigMap")


def made(folder: Path, snapshots: Iterator[Snapshot], **more: object) -> Monitor:
    incidents = Incidents("shop", "staging", "history.sqlite", folder)
    return Monitor(lambda: next(snapshots), lambda: memory(folder), Metrics("shop"), tellers=[incidents], **more)  # type: ignore[arg-type]


def figures(monitor: Monitor) -> dict[str, float]:
    text = generate_latest(monitor.metrics.registry).decode()
    return {
        sample.name
        + "".join(f" {value}" for key, value in sorted(sample.labels.items()) if key != "system"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_an_outage_is_an_incident_once_though_the_cluster_goes_away_in_the_middle(tmp_path: Path) -> None:
    story = [
        *(snapshot(number) for number in range(2)),
        *(snapshot(number, fails=3) for number in range(2, 5)),
        *(snapshot(number, missing=AWAY) for number in range(5, 9)),
        *(snapshot(number, fails=3) for number in range(9, 12)),
        *(snapshot(number) for number in range(12, 16)),
    ]
    rounds = [made(tmp_path, iter([one])).once() for one in story]  # started anew each time
    changes = [(change.what, change.severity, change.title) for one in rounds for change in one.changes]
    wrong = "Service web: does not answer rightly: error: 500"
    assert changes == [
        ("raised", "P1", wrong),
        ("raised", "P2", "the cluster does not answer"),
        ("over", None, "the cluster does not answer"),
        ("over", None, wrong),
    ]
    with Incidents("shop", "staging", "history.sqlite", tmp_path)._opening(
        "history.sqlite", tmp_path, create=True
    ) as book:
        assert sorted(one.cause or "" for one in book.incidents()) == ["Service/web", "cannot be seen: cluster"]
    assert [one.exit_code for one in (rounds[0], rounds[2], rounds[6], rounds[-1])] == [0, 1, 1, 0]


def test_figures_tell_what_was_seen_and_none_is_told_of_what_was_not(tmp_path: Path) -> None:
    monitor = made(tmp_path, iter([snapshot(0, fails=1), snapshot(1, missing=AWAY)]))
    monitor.once()
    seen = figures(monitor)
    assert seen["muster_service_up"] == 1
    assert (seen["muster_service_requests_total"], seen["muster_service_failures_total"]) == (3, 1)
    assert (seen["muster_check service"], seen["muster_check nodes"], seen["muster_monitor_blind"]) == (1, 0, 0)
    assert seen["muster_monitor_untold"] == 0
    monitor.once()
    seen = figures(monitor)
    assert "muster_service_up" not in seen, "nobody knows"
    assert seen["muster_service_requests_total"] == 3
    assert seen["muster_check service"] == 2
    assert seen["muster_monitor_blind"] > 0


def test_without_a_store_nothing_is_told_and_no_look_counts(tmp_path: Path) -> None:
    monitor = made(tmp_path, iter([snapshot(0), snapshot(1, fails=3), snapshot(2, fails=3), snapshot(3, fails=3)]))
    monitor.once()
    last = figures(monitor)["muster_monitor_look_timestamp_seconds"]
    store = tmp_path / "history.sqlite"
    store.rename(tmp_path / "away")
    store.mkdir()
    one = monitor.once()
    assert (one.remembered, one.changes, one.exit_code) == (False, (), 1)
    assert "history" in one.troubles[0]
    assert figures(monitor)["muster_monitor_look_timestamp_seconds"] == last, "so that its absence is noticed"
    store.rmdir()
    (tmp_path / "away").rename(store)
    assert [change.what for _ in range(2) for change in monitor.once().changes] == ["raised"]


def test_what_an_alertmanager_could_not_be_told_it_is_told_when_it_is_back(tmp_path: Path) -> None:
    with LocalMonitoring() as there, Asking(there.url, limit_s=2, token=None) as asking:
        sending = Sending(asking, "shop", "staging", "shop")
        monitor = made(tmp_path, iter(snapshot(number, fails=3) for number in range(4)), sending=sending)
        monitor.once()
        there.stop()
        one = monitor.once()
        assert [change.what for change in one.changes] == ["raised"]
        assert "cannot be asked" in one.troubles[0]
        assert figures(monitor)["muster_monitor_untold"] == 1
        there.start()
        assert monitor.once().troubles == []
        named = {one["labels"]["alertname"] for one in there.alertmanager([])}
        assert named == {"SystemUnwell", "MonitorHeartbeat"}


def test_a_teller_that_fails_is_asked_again_and_in_order(tmp_path: Path) -> None:
    class Failing:
        name = "failing"
        fails = True

        def __init__(self) -> None:
            self.told = list[str]()

        def tell(self, change: object) -> str:
            if self.fails:
                raise ClusterError("not now")
            self.told.append(str(getattr(change, "what", "")))
            return ""

    teller = Failing()
    story = [*(snapshot(number, fails=3) for number in range(2)), *(snapshot(number) for number in range(2, 7))]
    monitor = made(tmp_path, iter(story))
    monitor.tellers = [teller]
    rounds = [monitor.once() for _ in range(6)]
    assert "failing could not be told: not now" in rounds[1].troubles
    teller.fails = False
    monitor.once()
    assert teller.told == ["raised", "over"]


def test_it_goes_on_until_it_is_told_to_stop(tmp_path: Path) -> None:
    stopping, rounds = Event(), list[Round]()

    def show(one: Round) -> None:
        rounds.append(one)
        if len(rounds) == 3:
            stopping.set()

    made(tmp_path, (snapshot(number) for number in range(9))).run(0.01, stopping, show)
    assert len(rounds) == 3


def test_figures_are_served_and_a_place_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    from muster.base.errors import UsageError

    with served(Metrics("shop"), "127.0.0.1", 0) as address:
        assert "muster_monitor_looks_total" in httpx.get(address, trust_env=False).text
        port = int(address.rpartition(":")[2].partition("/")[0])
        with pytest.raises(UsageError, match="cannot be listened at"), served(Metrics("shop"), "127.0.0.1", port):
            pass


def test_a_person_is_shown_what_changes_and_not_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    story = [*(snapshot(number) for number in range(3)), *(snapshot(number, fails=3) for number in range(3, 6))]
    shown, monitor = Shown(), made(tmp_path, iter(story))
    lines = [list(shown.lines(monitor.once())) for _ in story]
    assert lines[0] and not lines[1] and not lines[2], "nothing changed"
    assert "no alert" in lines[0][0]
    text = "\n".join(lines[4])
    assert "! P1 Service web: does not answer rightly" in text
    assert "incident 2" in text
    assert "alerts: 1 P1" in text
    assert max(len(line) for some in lines for line in some) <= 80


def test_what_a_drills_fault_explains_is_told_all_the_same_and_marked_as_a_drills(tmp_path: Path) -> None:
    """Else the rehearsed outage would be the one that nobody hears of."""
    record = {
        "kind": "ConfigMap",
        "metadata": {
            "name": "muster-fault-x",
            "namespace": "shop",
            "labels": {FAULT_RECORD_LABEL: "full-outage"},
            "creationTimestamp": at(0),
        },
        "data": {},
    }
    story = [replace(snapshot(number, fails=3), objects=(record,)) for number in range(2)]
    rounds = [made(tmp_path, iter([one])).once() for one in story]
    assert [(change.what, change.severity, change.drill) for change in rounds[1].changes] == [
        ("raised", "P1", "full-outage")
    ]
