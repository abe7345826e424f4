"""Several kinds of users in one file share one rate, by their weights; each has its own ways."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.load.test_run import of_kind
from tests.probes.service import HANG, Service

from muster.base.process import Child
from muster.base.timeline import Timeline
from muster.base.waiting import wait_for
from muster.load.run import LoadError, LoadRun

KINDS = """
from locust import task
from muster.load.openloop import OpenLoopUser

class Many(OpenLoopUser):
    rate = 30
    weight = 3
    renew_after = 1000

    @task
    def read(self):
        with self.rest("GET", "/status", name="many"):
            pass

class Few(OpenLoopUser):
    rate = 60
    weight = 1
    renew_after = 1
    limit_s = 0.3

    def on_start(self):
        self.greeting = "hello"
        super().on_start()

    @task
    def create(self):
        with self.rest("POST", "/items", name="few", json={"id": self.greeting}, status=(201,)):
            pass
"""


def start(timeline: Path, url: str, text: str = KINDS, *, rate: float = 200, seed: int = 1) -> LoadRun:
    profile = timeline.parent / "kinds.py"
    profile.write_text(text)
    return LoadRun.start(
        profile, rate=rate, url=url, timeline=timeline, directory=timeline.parent, ceiling=1000, seed=seed
    )


def wait_requests(timeline: Path, number: int) -> None:
    wait_for(lambda: len(of_kind(timeline, "request")) >= number, within=20, reason=f"{number} requests")


def test_kinds_share_the_rate_by_their_weights(timeline: Path) -> None:
    with Service() as service, start(timeline, service.url):
        wait_requests(timeline, 300)
    requests = of_kind(timeline, "request")
    assert {event["outcome"] for event in requests} == {"ok"}
    shares = Counter(event["name"] for event in requests)
    assert 0.65 < shares["many"] / shares.total() < 0.85
    intended = sorted(event["intended"] for event in requests)
    ticks = [(moment - intended[0]) * 200 for moment in intended]
    assert ticks == pytest.approx([round(tick) for tick in ticks], abs=1e-3), "one schedule gives all turns"
    assert [event["state"] for event in of_kind(timeline, "load") if event["state"] != "behind"] == [
        "started",
        "stopped",
    ]


def test_each_kind_has_its_own_connections_and_limits(timeline: Path) -> None:
    with Service() as service, start(timeline, service.url):
        wait_requests(timeline, 100)
        kinds_of = Counter((event["name"], event["conn"]) for event in of_kind(timeline, "request"))
        service.behaviour = HANG
        wait_for(
            lambda: any(event["outcome"] == "timeout" for event in of_kind(timeline, "request")),
            within=20,
            reason="the first request to be given up",
        )
    assert kinds_of["few", "kept"] == 0
    assert kinds_of["many", "kept"] > kinds_of["many", "new"]
    first = next(event for event in of_kind(timeline, "request") if event["outcome"] == "timeout")
    assert first["name"] == "few"
    assert first["why"] == "not answered within 0.3 s"


def test_the_same_seed_makes_the_same_choices(tmp_path: Path) -> None:
    chosen = []
    for number in range(2):
        path = tmp_path / str(number) / "timeline.jsonl"
        path.parent.mkdir()
        Timeline.start(path, run="run", drill="drill").close()
        with Service() as service, start(path, service.url, seed=7):
            wait_requests(path, 60)
        requests = sorted(of_kind(path, "request"), key=lambda event: event["intended"])
        chosen.append([event["name"] for event in requests[:50]])
    assert chosen[0] == chosen[1]


def by_hand(profile: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(profile), *arguments, "--headless", "--only-summary"]


@pytest.mark.parametrize(("arguments", "names"), [((), {"GET", "POST"}), (("Few",), {"POST"})])
def test_by_hand_one_user_is_enough_and_more_are_no_more(
    tmp_path: Path, arguments: tuple[str, ...], names: set[str], timeline: Path
) -> None:
    """And the file's own rate is the highest of its kinds; a kind may be named alone."""
    profile, log = tmp_path / "kinds.py", tmp_path / "log"
    profile.write_text(KINDS)
    command = [*by_hand(profile, *arguments), "-u", "3", "-r", "3", "--timeline", str(timeline)]
    with (
        Service() as service,
        log.open("wb") as output,
        Child([*command, "--host", service.url], stdout=output, stderr=output, cwd=tmp_path),
    ):
        wait_requests(timeline, 60)
        assert {method for method, _ in service.requests} == names
    intended = sorted(event["intended"] for event in of_kind(timeline, "request"))
    assert next(event["rate"] for event in of_kind(timeline, "load")) == 60
    assert (intended[-1] - intended[0]) * 60 >= len(intended) - 2, log.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "500", "--ceiling", "100"], "a load of 500 requests/s is more than system.yaml allows"),
        (["--stages", '[{"name": "up", "legs": [{"rate": 500}]}]', "--ceiling", "100"], "stage 'up' of 500 requests/s"),
        (["--stages", "quick"], "--stages cannot be read"),
    ],
)
def test_by_hand_what_makes_no_sense_ends_at_once_with_one_sentence(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    profile, log = tmp_path / "kinds.py", tmp_path / "log"
    profile.write_text(KINDS)
    command = [*by_hand(profile, *arguments), "-u", "1", "--host", "http://127.0.0.1:1"]
    with (
        log.open("wb") as output,
        Child(command, stdout=output, stderr=output, cwd=tmp_path) as child,
    ):
        assert child.wait(within=30, reason="Locust to give up") == 1
    assert said in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_kind_without_a_task_is_refused(timeline: Path) -> None:
    text = f"{KINDS}\nclass Nobody(OpenLoopUser):\n    pass\n"
    with pytest.raises(LoadError, match="Nobody has no task"), start(timeline, "http://127.0.0.1:1", text):
        pytest.fail("entered")


def test_a_user_that_keeps_no_schedule_is_refused(timeline: Path) -> None:
    """What it sent would be neither recorded nor held to the ceiling."""
    text = f"{KINDS}\nfrom locust import HttpUser\nclass Plain(HttpUser):\n    tasks = [print]\n"
    with (
        Service() as service,
        pytest.raises(LoadError, match=r"users must be muster\.load\.openloop\.OpenLoopUser, and Plain is not"),
        start(timeline, service.url, text),
    ):
        pytest.fail("entered")
    assert not service.requests
