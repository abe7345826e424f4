"""The prober as a process, watched through its timeline."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.probes.service import Service, system_of
from tests.probes.watching import count, wait_until, writes

from muster.base.clock import now
from muster.base.process import Child
from muster.base.timeline import read_timeline
from muster.base.waiting import wait_for
from muster.probes.prober.plan import Plan
from muster.probes.prober.process import Prober, ProberError


def start(service: Service, timeline: Path, **settings: float) -> Prober:
    return Prober.start(system_of(**settings), service.url, timeline, timeline.parent)  # type: ignore[arg-type]


def test_the_prober_tells_what_it_probes_and_that_it_stopped(timeline: Path) -> None:
    with Service() as service, start(service, timeline, every_s=0.05, limit_s=0.5):
        wait_until(timeline, lambda seen: count(seen, kind="clock") >= 2, "two clock events, a second apart")
    states = [event for event in read_timeline(timeline) if event["kind"] == "prober"]
    assert [event["state"] for event in states] == ["started", "stopped"]
    assert states[0]["probes"] == [
        {"name": "read", "every_s": 0.05, "limit_s": 0.5, "write": False},
        {"name": "write", "every_s": 0.05, "limit_s": 0.5, "write": True},
    ]


def test_ids_are_new_with_each_prober_of_a_run(timeline: Path) -> None:
    with Service() as service:
        for _ in range(2):
            with start(service, timeline):
                wait_until(timeline, lambda seen: count(seen, kind="write") >= 1, "a write")
    ids = [event["id"] for event in writes(timeline)]
    assert len(ids) == len(set(ids))
    assert all(identity.startswith("muster-") for identity in ids)


def test_a_prober_that_cannot_write_its_timeline_ends_at_once_and_says_why(tmp_path: Path) -> None:
    system = system_of()
    plan = Plan(timeline=Path("/dev/full"), url="http://127.0.0.1:1", run="x", read=system.read, ledger=system.ledger)
    file = tmp_path / "plan.json"
    file.write_text(plan.model_dump_json())
    ended = subprocess.run(
        [sys.executable, "-m", "muster.probes", str(file)], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith("the prober cannot go on: timeline /dev/full cannot be written")


def test_a_prober_that_cannot_start_says_why(tmp_path: Path) -> None:
    missing = tmp_path / "no-such-directory" / "timeline.jsonl"
    prober = Prober.start(system_of(), "http://127.0.0.1:1", missing, tmp_path)
    with pytest.raises(ProberError, match=r"ended at once.*no-such-directory"), prober:
        pytest.fail("entered")


def test_a_plan_that_is_none_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"timeline": "x"}')
    ended = subprocess.run(
        [sys.executable, "-m", "muster.probes", str(tmp_path / "plan.json")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert "plan.json: url: Field required" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_prober_ends_with_its_owner(timeline: Path) -> None:
    with Service() as service:
        prober = start(service, timeline)
        prober.wait_started()
        child: Child = prober._child
        child.stop()
        assert child.poll() is not None
        assert not prober.alive()
    assert read_timeline(timeline)[-1]["state"] == "stopped"


def test_ticks_that_find_no_place_are_told_and_not_hidden(timeline: Path) -> None:
    """A prober that was stopped asks late for what it missed, and says what it did not ask at all."""
    with Service() as service, start(service, timeline, every_s=0.02, limit_s=0.2, edge_every_s=0.02) as prober:
        wait_until(timeline, lambda seen: count(seen, kind="request") >= 2, "requests")
        prober._child.signal_command(signal.SIGSTOP)
        stopped = now()
        wait_for(lambda: now() - stopped > 1.5, within=10, reason="the stop to last")
        service.stall()
        prober._child.signal_command(signal.SIGCONT)
        wait_until(timeline, lambda seen: count(seen, kind="prober", state="behind") >= 1, "the prober to be behind")
        service.resume()
        wait_until(timeline, lambda seen: count(seen[-20:], outcome="ok") >= 10, "the prober to have caught up")
    events = read_timeline(timeline)
    asked = [event["intended"] for event in events if event["kind"] == "request" and event["name"] == "read"]
    told = [event["intended"] for event in events if event.get("state") == "behind" and event["name"] == "read"]
    ticks = sorted(round((time - min(asked)) / 0.02) for time in [*asked, *told])
    assert ticks == list(range(len(ticks))), "each intended time was either asked or told"
    asleep = [time for time in asked if stopped + 0.5 < time < stopped + 1.3]
    assert asleep == [], "what would be sent more than half its limit late is not sent"
