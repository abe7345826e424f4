"""Locust files run as a drill runs them, watched through the timeline."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.probes.service import HANG, Service

from muster.base.clock import now
from muster.base.errors import UsageError
from muster.base.lifeline import descendants
from muster.base.process import Child
from muster.base.timeline import Event, Tail, read_timeline
from muster.base.waiting import wait_for
from muster.load.run import LoadError, LoadRun
from muster.system.headers import HEADERS_VARIABLE, FromEnvironment, to_environment

PROFILE = """
from locust import task
from muster.load.openloop import OpenLoopUser

class Items(OpenLoopUser):
    rate = 40
    limit_s = 2.0

    @task(3)
    def status(self):
        with self.rest("GET", "/status", name="status") as answer:
            assert answer.js["status"]["ok"] is True

    @task
    def create(self):
        with self.rest("POST", "/items", name="create", json={"id": "x"}, status=(201,)) as answer:
            assert answer.js["id"] == "x"
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "items.py"
    path.write_text(textwrap.dedent(PROFILE))
    return path


def start(profile: Path, service_url: str, timeline: Path, *, rate: float = 100.0, **settings: Any) -> LoadRun:
    return LoadRun.start(
        profile, rate=rate, url=service_url, timeline=timeline, directory=timeline.parent, ceiling=1000, **settings
    )


def of_kind(timeline: Path, kind: str) -> list[Event]:
    return [event for event in read_timeline(timeline) if event["kind"] == kind]


def wait_until(timeline: Path, look: Callable[[list[Event]], bool], reason: str) -> None:
    tail, seen = Tail(timeline), list[Event]()

    def found() -> bool:
        seen.extend(tail.read())
        return look([event for event in seen if event["kind"] == "request"])

    wait_for(found, within=20, reason=reason)


def test_load_flows_at_its_rate_and_is_recorded(profile: Path, timeline: Path) -> None:
    with Service() as service, start(profile, service.url, timeline) as run:
        assert of_kind(timeline, "request"), "entering waits until load flows"
        wait_until(timeline, lambda seen: len(seen) >= 100, "a hundred requests")
        assert run.alive()
    seen = of_kind(timeline, "request")
    assert {(event["source"], event["outcome"]) for event in seen} == {("load", "ok")}
    assert {(event["name"], event["write"], event["status"]) for event in seen} == {
        ("status", False, 200),
        ("create", True, 201),
    }
    names = Counter(event["name"] for event in seen)
    assert names["status"] > names["create"], "tasks are chosen by their weights"
    assert {event["conn"] for event in seen} == {"new", "kept"}
    assert all(event["intended"] <= event["sent"] <= event["done"] for event in seen)
    intended = sorted(event["intended"] for event in seen)
    ticks = [(time - intended[0]) * 100 for time in intended]
    assert ticks == pytest.approx([round(tick) for tick in ticks], abs=1e-3), "intended times are those of the rate"
    states = of_kind(timeline, "load")
    assert [event["state"] for event in states if event["state"] != "behind"] == ["started", "stopped"]
    assert all((event["profile"], event["rate"]) == ("items", 100.0) for event in states)


def test_a_service_silent_for_a_second_is_asked_all_the_same(profile: Path, timeline: Path) -> None:
    """No coordinated omission: every intended request is there, and its latency counts from then."""
    with Service() as service, start(profile, service.url, timeline) as run:
        began = now()
        service.stall()
        wait_for(lambda: now() - began >= 1.0, within=10, reason="a silent second to pass")
        ended = now()
        service.resume()
        wait_until(timeline, lambda seen: any(event["intended"] > ended for event in seen), "answers afterwards")
        run.stop()
    during = [event for event in of_kind(timeline, "request") if began + 0.02 < event["intended"] < ended - 0.1]
    not_sent = sum(event["not_sent"] for event in of_kind(timeline, "load") if event["state"] == "behind")
    assert len(during) + not_sent >= 80, "about a hundred requests were meant to be sent in that second, not one"
    by_intent = sorted(during, key=lambda event: event["intended"])
    latencies = [event["done"] - event["intended"] for event in by_intent]
    assert all(event["done"] >= ended for event in during), "nothing was answered in the silence"
    assert latencies[0] > 0.8
    assert latencies[0] > latencies[len(latencies) // 2] > latencies[-1], "whoever asked first waited longest"


def test_outcomes_of_an_outage_are_told_apart(profile: Path, timeline: Path) -> None:
    with Service() as service, start(profile, service.url, timeline):
        for behaviour, headers, outcome in (
            ("reset", {}, "reset"),
            ("empty", {}, "empty"),
            (500, {}, "error"),
            (503, {"Retry-After": "1"}, "shed"),
            (404, {}, "wrong"),
        ):
            service.headers, service.behaviour = headers, behaviour
            wait_until(timeline, lambda seen, o=outcome: any(e["outcome"] == o for e in seen), outcome)  # type: ignore[misc]
        service.close_port()
        wait_until(timeline, lambda seen: any(event["outcome"] == "refused" for event in seen), "refused")
        service.behaviour, service.headers = None, {}
        service.open_port()
        service.pages["/status"] = {"status": {"ok": "maybe"}}
        wait_until(
            timeline,
            lambda seen: any(e["outcome"] == "wrong" and e["status"] == 200 for e in seen),
            "an answer with the wrong content",
        )
    assert all(event.get("why") for event in of_kind(timeline, "request") if event["outcome"] != "ok")


def test_a_load_that_cannot_keep_up_says_so(profile: Path, timeline: Path) -> None:
    # The plain sleep, which Locust does not make give way: a task that computes.
    busy = "import gevent.monkey; gevent.monkey.get_original('time', 'sleep')(0.1)"
    profile.write_text(profile.read_text().replace("with self", f"{busy}\n        with self"))
    with Service() as service, start(profile, service.url, timeline):
        wait_for(
            lambda: any(event["state"] == "behind" for event in of_kind(timeline, "load")),
            within=20,
            reason="the load to say that it is behind",
        )
    behind = [event for event in of_kind(timeline, "load") if event["state"] == "behind"]
    assert behind[0]["reason"]


def test_a_load_on_a_silent_service_gives_up_each_request_at_its_limit(profile: Path, timeline: Path) -> None:
    with Service() as service:
        service.behaviour = HANG
        profile.write_text(profile.read_text().replace("limit_s = 2.0", "limit_s = 0.5"))
        with start(profile, service.url, timeline):
            wait_until(timeline, lambda seen: len(seen) >= 60, "timeouts")
    seen = of_kind(timeline, "request")
    assert {event["outcome"] for event in seen} == {"timeout"}
    assert all(event["done"] - event["sent"] >= 0.5 for event in seen)
    stopped = of_kind(timeline, "load")[-1]
    assert stopped["abandoned"] > 0, "those still under way at the end are counted"
    assert 0.3 <= stopped["waited_s"] < 5, "and how long the first of them has waited"


def test_a_load_that_nobody_answers_is_no_error(profile: Path, timeline: Path) -> None:
    with Service() as service:
        service.stall()
        run = start(profile, service.url, timeline)
        assert run.wait_flowing(within=1.0) is False
        run.stop()


def test_a_load_that_died_says_so_on_the_timeline(profile: Path, timeline: Path) -> None:
    with Service() as service:
        run = start(profile, service.url, timeline)
        with run:
            [locust] = descendants(run._child.pid)
            os.kill(locust, signal.SIGKILL)
            wait_for(lambda: not run.alive(), within=10, reason="the load to be gone")
    last = of_kind(timeline, "load")[-1]
    assert last["state"] == "stopped"
    assert last["reason"].startswith("Locust ended by itself with status 137")
    assert last["broken"] is True


def test_stopping_takes_less_than_a_second_and_leaves_nothing(profile: Path, timeline: Path) -> None:
    with Service() as service:
        run = start(profile, service.url, timeline)
        run.wait_flowing()
        processes = [run._child.pid, *descendants(run._child.pid)]
        service.stall()
        run.stop()
        run.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
    last = of_kind(timeline, "load")[-1]
    assert last["state"] == "stopped"
    assert last["asked"] == len(of_kind(timeline, "request"))


SLOW_TO_END = """
import time
from locust.runners import Runner

ends = Runner.stop

def stop(self):
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        pass
    ends(self)

Runner.stop = stop
"""


def test_no_request_waits_for_what_locust_does_to_end(profile: Path, timeline: Path) -> None:
    """It looks at its own call stack, with the source of every module: meanwhile nothing else gets its turn."""
    profile.write_text(profile.read_text() + SLOW_TO_END)
    with Service() as service:
        service.delay = 0.1  # so that some are under way whenever it ends
        with start(profile, service.url, timeline):
            pass
    asked = of_kind(timeline, "request")
    assert max(event["done"] - event["sent"] for event in asked) < 1.5
    (last,) = [event for event in of_kind(timeline, "load") if event["state"] == "stopped"]
    assert (last["reason"], last["asked"], last["abandoned"]) == ("it was told to stop", len(asked), 0)
    assert not [event for event in of_kind(timeline, "load") if event["state"] == "behind" and event["t"] > last["t"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module_anywhere", "no_such_module_anywhere"),
        ("def broken(:", "SyntaxError"),
        ("from muster.load.openloop import OpenLoopUser", "No User class found"),
        ("x = 1", r"must be muster\.load\.openloop\.OpenLoopUser"),
    ],
)
def test_a_broken_file_is_told_with_its_own_words(profile: Path, timeline: Path, text: str, said: str) -> None:
    profile.write_text(text)
    run = start(profile, "http://127.0.0.1:1", timeline)
    with pytest.raises(LoadError, match=rf"load profile 'items' cannot be run: .*{said}"), run:
        pytest.fail("entered")


@pytest.mark.parametrize(("rate", "said"), [(2000.0, "max_requests_per_s: 1000"), (0.0, "above 0"), (-5.0, "above 0")])
def test_a_rate_that_is_not_allowed_is_refused(profile: Path, timeline: Path, rate: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        start(profile, "http://127.0.0.1:1", timeline, rate=rate)


def test_a_profile_is_a_plain_locust_file(profile: Path) -> None:
    """Run by hand: no muster around it, no timeline, the file's own rate, Locust's own statistics."""
    command = [sys.executable, "-m", "locust", "-f", str(profile), "--headless", "-u", "1", "--only-summary", "--host"]
    log = profile.parent / "log"
    with Service() as service, log.open("wb") as output:
        with Child([*command, service.url], stdout=output, stderr=output, cwd=profile.parent):
            wait_for(lambda: len(service.requests) >= 20, within=20, reason="twenty requests")
        told = log.read_text()
    assert "Aggregated" in told
    assert "Traceback" not in told


def test_load_that_cannot_be_recorded_does_not_go_on(profile: Path) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(profile), "--headless", "-u", "1", "--timeline", "/dev/full"]
    log = profile.parent / "log"
    with (
        Service() as service,
        log.open("wb") as output,
        Child([*command, "--host", service.url], stdout=output, stderr=output, cwd=profile.parent) as child,
    ):
        assert child.wait(within=30, reason="Locust to give up") == 1
    assert "timeline /dev/full cannot be written" in log.read_text()


def test_a_load_says_who_asks(profile: Path, timeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "secret")
    told = {"X-Tenant": "shop", "Authorization": FromEnvironment(env="SHOP_TOKEN", prefix="Bearer ")}
    monkeypatch.setenv(HEADERS_VARIABLE, to_environment(told))
    profile.write_text(profile.read_text().replace('"/status", ', '"/status", headers={"X-Tenant": "mine"}, '))
    with Service() as service, start(profile, service.url, timeline):
        wait_for(lambda: len(service.heard) > 20, within=30, reason="requests of the load")
    assert {heard["authorization"] for heard in service.heard} == {"Bearer secret"}
    assert {heard["x-tenant"] for heard in service.heard} == {"shop", "mine"}
    assert not [path for path in timeline.parent.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
