"""Killing the monitor at moments drawn by chance, and having another go on: no alert is lost, none is told twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbac.stage import ROOT

from muster.base.clock import now
from muster.monitoring.testing import LocalMonitoring
from torture.monitored import DIES_AT, MOMENTS, STORE
from torture.results import Trial

KILLED = -signal.SIGKILL
RUNS_WITHIN_S = 240.0
COUNT = 20
NOBODY = "json://127.0.0.1:9"  # a channel that notices wait for: nothing is sent


@dataclass(frozen=True)
class Case:
    """A trial: the monitor dies when this share of its story's moments is over."""

    number: int
    share: float

    def __str__(self) -> str:
        return f"monitor killed at {self.share:.1%} of its moments"


def draw(_: Sequence[str], count: int | None, seed: int) -> list[Case]:
    """Moments, spread over the whole story: one of each of so many stretches of it."""
    chance, wanted = random.Random(seed), count or COUNT
    shares = [(number + chance.random()) / wanted for number in range(wanted)]
    chance.shuffle(shares)
    return [Case(number, share) for number, share in enumerate(shares)]


@dataclass(frozen=True)
class Outcome:
    """What is on record when the story is over, read by nothing of what wrote it; `held` is what the Alertmanager was
    told, each alert by its labels with its beginnings, and whether it fires at the end."""

    changes: tuple[Any, ...]
    incidents: tuple[Any, ...]
    entries: tuple[Any, ...]
    notices: tuple[Any, ...]  # of each, for how many channels it waits
    held: tuple[Any, ...]


@dataclass
class Watching:
    """Where trials follow each other; `whole` is the outcome of a monitor that nobody killed, of so many moments."""

    whole: Outcome
    moments: int

    def trial(self, case: Case, keep: Path) -> Trial:
        """Kill it once, go on, and compare."""
        began, last = now(), 1 + int(case.share * self.moments)
        with tempfile.TemporaryDirectory(prefix="muster-monitor-") as name, LocalMonitoring() as there:
            folder = Path(name)
            first = _run(folder, there, last)
            troubles = [] if first.returncode == KILLED else [f"it was not killed, but ended with {first.returncode}"]
            second = _run(folder, there, None)
            if second.returncode != 0:
                troubles.append(f"the next one ended with {second.returncode}: {second.stderr.strip()[-200:]}")
            else:
                troubles += list(_differences(self.whole, outcome(folder, there)))
            kept = ""
            if troubles:
                kept = str(keep / str(case.number))
                shutil.copytree(folder, kept, dirs_exist_ok=True)
        saw = f"number {last} of {self.moments}"
        return Trial("monitor", case.number, str(case), tuple(troubles), took_s=now() - began, kept=kept, saw=saw)


@contextmanager
def watching() -> Iterator[Watching]:
    """Let a monitor go through the story undisturbed first."""
    with tempfile.TemporaryDirectory(prefix="muster-monitor-") as name, LocalMonitoring() as there:
        folder = Path(name)
        done = _run(folder, there, None)
        if done.returncode != 0:
            raise RuntimeError(f"the monitor does not come through its story: {done.stderr}")
        yield Watching(outcome(folder, there), int((folder / MOMENTS).read_text()))


def _run(folder: Path, there: LocalMonitoring, last: int | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torture.monitored", str(folder), there.url],
        cwd=ROOT,
        env={**os.environ, "MUSTER_NOTICES_OPS": NOBODY, **({DIES_AT: str(last)} if last else {})},
        capture_output=True,
        text=True,
        timeout=RUNS_WITHIN_S,
        check=False,
    )


def outcome(folder: Path, there: LocalMonitoring) -> Outcome:
    """What is on record; times are left out, as no two runs have the same."""
    connection = sqlite3.connect(folder / STORE)
    try:
        asked = (
            "select key, severity, was, title from muster_alert_changes order by id",
            "select severity, title, cause, resolved from muster_incidents order by opened, id",
            (
                "select cause, kind, text from muster_incident_entries e join muster_incidents i on i.id = incident_id"
                " order by i.opened, i.id, e.id"
            ),
            (
                "select n.source, n.title, n.state, n.step, n.severity, count(d.id) from muster_notices n"
                " left join muster_deliveries d on d.notice_id = n.id group by n.id order by n.id"
            ),
        )
        changes, incidents, entries, notices = (tuple(connection.execute(one).fetchall()) for one in asked)
    finally:
        connection.close()
    begun: dict[tuple[str, str], set[str]] = {}
    for alert in there.told:
        labels = alert["labels"]
        if labels["alertname"] != "MonitorHeartbeat" and "startsAt" in alert:
            begun.setdefault((labels["object"], labels["severity"]), set()).add(alert["startsAt"])
    firing = {(one["labels"].get("object"), one["labels"]["severity"]) for one in there.alertmanager([])}
    held = tuple(sorted((*name, len(times), name in firing) for name, times in begun.items()))
    return Outcome(changes, incidents, entries, notices, held)


def _differences(whole: Outcome, found: Outcome) -> Iterator[str]:
    """What was lost or told again, a sentence for each sort of record."""
    for what in ("changes", "incidents", "entries", "notices", "held"):
        wanted, there = list(getattr(whole, what)), list(getattr(found, what))
        lost = [one for one in wanted if one not in there]
        more = [one for one in there if there.count(one) > wanted.count(one)]
        if lost or more or len(wanted) != len(there):
            yield f"{what}: lost {lost or 'none'}, more than was to be {more or 'none'}"
