"""A generator that falls short of what was asked for says so, and counts what it did not send."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path

import pytest
from tests.load.test_run import of_kind
from tests.probes.service import HANG, Service

from muster.base.clock import now
from muster.base.lifeline import descendants
from muster.base.timeline import Event
from muster.base.waiting import wait_for
from muster.load.run import LoadRun

PROFILE = """
import gevent.monkey
import resource
from locust import task
from muster.load.openloop import OpenLoopUser

real_sleep = gevent.monkey.get_original("time", "sleep")

class Items(OpenLoopUser):
    limit_s = 2.0
    renew_after = 1

    def on_start(self):
        pass  # start
        super().on_start()

    @task
    def read(self):
        pass  # task
        with self.rest("GET", "/status"):
            pass
"""


def start(
    timeline: Path, url: str, *, rate: float = 100, ceiling: float = 1e6, at_start: str = "pass", in_task: str = "pass"
) -> LoadRun:
    profile = timeline.parent / "items.py"
    profile.write_text(PROFILE.replace("pass  # start", at_start).replace("pass  # task", in_task))
    return LoadRun.start(profile, rate=rate, url=url, timeline=timeline, directory=timeline.parent, ceiling=ceiling)


def behind(timeline: Path) -> list[Event]:
    return [event for event in of_kind(timeline, "load") if event["state"] == "behind"]


def wait_behind(timeline: Path, reason: str) -> Event:
    def told() -> Event | None:
        return next((event for event in behind(timeline) if reason in event["reason"]), None)

    found = wait_for(told, within=20, reason=f"the load to say: {reason}")
    assert found is not None
    return found


def pass_time(seconds: float) -> None:
    since = now()
    wait_for(lambda: now() - since >= seconds, within=seconds + 10, reason="time to pass")


def suspend(run: LoadRun, seconds: float) -> tuple[float, float]:
    """Stop the generator's process for a while; returns when that was."""
    [locust] = descendants(run._child.pid)
    began = now()
    os.kill(locust, signal.SIGSTOP)
    try:
        pass_time(seconds)
    finally:
        os.kill(locust, signal.SIGCONT)
    return began, now()


def accounted(timeline: Path, rate: float) -> tuple[int, float]:
    """How many requests were sent, abandoned or told as not sent, and how many were meant to be."""
    loads = of_kind(timeline, "load")
    unsent = sum(event["not_sent"] for event in behind(timeline))
    started, stopped = loads[0], loads[-1]
    found = len(of_kind(timeline, "request")) + unsent + stopped.get("abandoned", 0)
    return found, rate * (stopped["t"] - started["t"])


def test_far_more_than_it_can_is_told_and_what_was_not_sent_is_counted(timeline: Path) -> None:
    rate = 50_000.0
    with Service() as service, start(timeline, service.url, rate=rate):
        wait_for(lambda: len(behind(timeline)) >= 2, within=20, reason="the load to be behind for a while")
    found, wanted = accounted(timeline, rate)
    # The schedule ends some time before the load says that it has stopped.
    assert 0.5 * wanted <= found <= wanted + 1
    assert sum(event["not_sent"] for event in behind(timeline)) > 0.5 * found
    assert all(event["reason"] and event["since"] <= event["t"] for event in behind(timeline))
    told = [event["t"] for event in behind(timeline)[:-1]]
    assert all(after - before > 0.9 for before, after in itertools.pairwise(told)), "at most once a second"


def test_a_generator_that_was_stopped_for_long_gives_up_what_it_missed(timeline: Path) -> None:
    with Service() as service, start(timeline, service.url) as run:
        began, ended = suspend(run, 1.5)
        told = wait_behind(timeline, "late")
        pass_time(0.3)
    assert told["late_s"] >= 1.4
    assert told["since"] <= ended - 1.4
    assert sum(event["not_sent"] for event in behind(timeline)) >= 140
    found, wanted = accounted(timeline, 100)
    assert found <= wanted + 1, "none is counted twice"
    after = [event for event in of_kind(timeline, "request") if event["sent"] >= ended - 0.05]
    assert all(event["sent"] - event["intended"] < 1.0 for event in after), "none of that is sent any more"
    assert not [event for event in after if began + 0.1 < event["intended"] < ended - 0.1]


def test_a_generator_that_was_stopped_for_a_while_catches_up_below_the_ceiling(timeline: Path) -> None:
    """With intended times: the pause was its own, and each request in it is late by what is left of it."""
    with Service() as service, start(timeline, service.url, rate=200, ceiling=300) as run:
        began, ended = suspend(run, 0.7)
        told = wait_behind(timeline, "late")
        pass_time(1.0)
    assert told["late_s"] >= 0.6
    requests = of_kind(timeline, "request")
    late = [event for event in requests if began + 0.1 < event["intended"] < ended - 0.1]
    unsent = sum(event["not_sent"] for event in behind(timeline))
    assert len(late) + unsent >= 90, "a hundred were meant to be sent in that half second"
    sent = sorted(event["sent"] for event in requests)
    for moment in sent:
        # A request that got its moment leaves when the machine lets it, some milliseconds later.
        assert sum(moment <= other < moment + 0.98 for other in sent) <= 300 + 6
    assert sum(ended - 0.1 <= moment < ended + 0.2 for moment in sent) <= 100, "no burst"


def test_a_process_that_is_held_up_says_so_though_nothing_was_due(timeline: Path) -> None:
    with Service() as service, start(timeline, service.url, rate=0.5) as run:
        suspend(run, 0.6)
        told = wait_behind(timeline, "its process was held up")
    assert (told["not_sent"], told["late_s"] >= 0.5) == (0, True)


def test_requests_that_find_no_room_are_counted(timeline: Path) -> None:
    longer_than_its_limit = 'self.rest("GET", "/first").__enter__(); self.rest("GET", "/second").__enter__()'
    with Service() as service:
        service.behaviour = HANG
        with start(timeline, service.url, rate=200, in_task=longer_than_its_limit):
            told = wait_behind(timeline, "requests are under way")
    assert told["not_sent"] > 0
    assert told["late_s"] < 1.0


def test_running_out_of_descriptors_is_its_own_fault_and_counted(timeline: Path) -> None:
    few = "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    with Service() as service:
        service.stall()
        with start(timeline, service.url, rate=200, at_start=few) as run:
            told = wait_behind(timeline, "Too many open files")
            service.resume()
            run.stop()
    assert told["not_sent"] > 0
    assert all("open files" not in event.get("why", "") for event in of_kind(timeline, "request"))


@pytest.mark.parametrize("text", ["return", "raise KeyError('no such thing')"])
def test_a_task_that_sends_nothing_is_counted(timeline: Path, text: str) -> None:
    with Service() as service, start(timeline, service.url, in_task=f"if self.random.random() < 0.5: {text}"):
        told = wait_behind(timeline, "task read sent no request")
        pass_time(1.0)
    assert told["not_sent"] > 0
    found, wanted = accounted(timeline, 100)
    assert 0.5 * wanted <= found <= wanted + 1


def test_what_was_due_when_it_was_stopped_is_counted(timeline: Path) -> None:
    slow = "real_sleep(0.05)"  # it can do twenty a second, and is not so late that it gives up any
    with Service() as service, start(timeline, service.url, rate=30, in_task=slow):
        pass_time(1.2)
    last = behind(timeline)[-1]
    assert last["reason"] == "its schedule was late at the end"
    assert last["not_sent"] >= 3
    found, wanted = accounted(timeline, 30)
    assert found <= wanted + 1, "none is counted twice"
