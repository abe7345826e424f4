"""How long a long timeline takes to be judged, and how much memory: `muster analyse` in a process of its own.

The timeline is that of one drill that lasted for hours: load at a steady rate, two probes, an outage in the middle of
which everything fails. It is written as prober and load write it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from muster.base.timeline import SCHEMA

RATE = 500.0  # requests/s of load, and a tenth of that of each probe
BEGIN = 1000.0


@dataclass(frozen=True, slots=True)
class Analysed:
    """What one analysis took: wall time and processor time in seconds, the most memory in MB; and its verdict."""

    samples: int
    wall_s: float
    cpu_s: float
    memory_mb: float
    verdict: str


def write(path: Path, samples: int) -> None:
    """Write a timeline with so many requests."""
    length = samples / (RATE * 1.2)
    struck, recovered = BEGIN + length / 2, BEGIN + length / 2 + 20
    with path.open("wb") as file:
        for event in _frame(length, struck, recovered):
            file.write(orjson.dumps(event) + b"\n")
        lines: list[bytes] = []
        for line in _requests(samples, struck, recovered):
            lines.append(line)
            if len(lines) == 10_000:
                file.writelines(lines)
                lines.clear()
        file.writelines(lines)


def measure(path: Path, samples: int) -> Analysed:
    """Run `muster analyse` on it."""
    muster = Path(sys.executable).with_name("muster")
    begun = time.perf_counter()
    with subprocess.Popen([muster, "analyse", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    verdict = json.loads(said)["verdict"]
    return Analysed(samples, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, verdict)


def _frame(length: float, struck: float, recovered: float) -> Iterator[dict[str, object]]:
    probes = [
        {"name": "read", "every_s": 10 / RATE, "limit_s": 1.0, "write": False},
        {"name": "write", "every_s": 10 / RATE, "limit_s": 1.0, "write": True},
    ]
    yield {"t": BEGIN, "kind": "timeline", "schema": SCHEMA, "utc": "2020-01-01T00:00:00Z", "boottime": BEGIN}
    yield {
        "t": BEGIN, "kind": "declared", "name": "soak", "nodeid": "drills/test_soak.py::test_soak", "severity": "P1",
        "fault": "db-failure", "load": "steady", "recovery": "promote-standby", "system": "enhancer",
        "evidence": "rehearsal", "cluster": "embedded", "rto_target_s": 900.0, "rto_budget_s": 30.0, "probes": probes,
        "objectives": [{"name": "error_rate", "target": 0.01}, {"name": "latency_p95", "target": 1.0}],
    }  # fmt: skip
    yield {"t": BEGIN, "kind": "load", "state": "started", "rate": RATE, "profile": "steady", "reason": ""}
    yield {"t": struck - 0.1, "kind": "steady", "ok": True, "why": "", "checks": {}}
    yield {"t": struck, "kind": "fault.sent", "experiment": "db-failure", "activity": "strike"}
    yield {"t": struck + 0.2, "kind": "fault.effect", "experiment": "db-failure", "observed": True, "evidence": "gone"}
    yield {"t": struck + 1, "kind": "recovery.began", "procedure": "promote-standby"}
    for at, state in ((struck + 1, "began"), (recovered, "done")):
        yield {"t": at, "kind": "recovery.step", "procedure": "promote-standby", "step": "promote", "state": state}
    yield {"t": recovered, "kind": "recovery.ended", "procedure": "promote-standby", "ok": True, "why": ""}
    for second in range(int(length) + 1):
        yield {"t": BEGIN + second, "kind": "clock", "by": "drill", "boottime": BEGIN + second}
    yield {"t": BEGIN + length, "kind": "judged", "required": ["rto", "slo"], "began": BEGIN + length}
    yield {"t": BEGIN + length, "kind": "ended", "outcome": "passed"}


def _requests(samples: int, struck: float, recovered: float) -> Iterator[bytes]:
    chance = random.Random(1)
    kinds = [("load", "GET /workflows/{id}", False)] * 10 + [("probe", "read", False), ("probe", "write", True)]
    for number in range(samples):
        source, name, write = kinds[number % len(kinds)]
        intended = BEGIN + number / (RATE * 1.2)
        sent = intended + chance.random() * 0.0005
        down = struck <= sent < recovered
        done = sent + (0.0006 if down else 0.002 + chance.random() * 0.01)
        outcome, status = ("refused", "null") if down else ("ok", "200")
        yield (
            b'{"t":%r,"kind":"request","source":"%s","name":"%s","intended":%r,"sent":%r,"done":%r,"outcome":"%s",'
            b'"status":%s,"conn":"kept","write":%s}\n'
        ) % (
            done, source.encode(), name.encode(), intended, sent, done, outcome.encode(), status.encode(),
            b"true" if write else b"false",
        )  # fmt: skip
