"""muster's load beside generators that everybody knows, on the same service, one after the other at the same rate.

What a service answers on a shared machine says little by itself; beside what `wrk` or plain Locust see of it within the
same minute it does. Each asks for one page over kept connections. wrk (a Debian package, used where it is installed)
knows no rate: it tells what the service can do at most.
"""

from __future__ import annotations

import csv
import math
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.overhead import PLAIN, USERS, locust
from muster.base.timeline import Timeline, read_timeline
from muster.load.run import LoadRun

START_S = 3.0  # how long it may take until all people are there
OPEN = """
from locust import task
from muster.load.openloop import OpenLoopUser

class Open(OpenLoopUser):
    renew_after = 1_000_000

    @task
    def read(self):
        with self.rest("GET", "{path}"):
            pass
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a generator saw: good answers per second, and the 95th percentile of its latencies in ms, if it tells."""

    by: str
    answered_per_s: float
    p95_ms: float | None


def beside(url: str, path: str, rate: float, seconds: float, scratch: Path) -> Iterator[Seen]:
    """What each generator sees of a page at a rate in requests/s."""
    yield ours(url, path, rate, seconds, scratch)
    yield plain(url, path, rate, seconds, scratch)
    if wrk := shutil.which("wrk"):
        yield most(wrk, url + path, seconds)


def ours(url: str, path: str, rate: float, seconds: float, scratch: Path) -> Seen:
    """muster's open loop; latencies count from the intended times."""
    file, timeline = scratch / "beside.py", scratch / f"beside-{time.monotonic_ns()}.jsonl"
    file.write_text(OPEN.format(path=path))
    Timeline.start(timeline, run="bench", drill="bench").close()
    run = LoadRun.start(file, rate=rate, url=url, timeline=timeline, directory=scratch, ceiling=math.inf)
    with run:
        time.sleep(seconds)
    good = [event for event in read_timeline(timeline) if event["kind"] == "request" and event["outcome"] == "ok"]
    latencies = sorted(event["done"] - event["intended"] for event in good)
    done = sorted(event["done"] for event in good)
    return Seen("muster", len(done) / (done[-1] - done[0]), 1000 * latencies[int(0.95 * len(latencies))])


def plain(url: str, path: str, rate: float, seconds: float, scratch: Path) -> Seen:
    """Plain Locust, whose people wait for each answer: latencies count from when a request was sent."""
    file = scratch / "plain.py"
    file.write_text(PLAIN.format(each=rate / USERS).replace("/document", path))
    command = [
        *locust(file, url),
        "-u",
        str(USERS),
        "-r",
        str(USERS),
        "-t",
        f"{seconds + START_S:g}s",
        "--csv",
        "plain",
    ]
    subprocess.run(command, capture_output=True, check=False, cwd=scratch)
    with (scratch / "plain_stats.csv").open() as told:
        row = next(row for row in csv.DictReader(told) if row["Name"] == "Aggregated")
    good = float(row["Requests/s"]) - float(row["Failures/s"])
    return Seen("plain Locust", good, None if row["95%"] == "N/A" else float(row["95%"]))


def most(wrk: str, url: str, seconds: float) -> Seen:
    """wrk in a closed loop, as fast as the service answers."""
    command = [wrk, "-t", "1", "-c", str(USERS), "-d", f"{math.ceil(seconds)}s", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    return Seen("wrk, as fast as it can", float(found[1]), None)
