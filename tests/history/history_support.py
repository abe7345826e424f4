"""Drills that are told, for the history to keep."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from muster.history import RunFacts
from muster.history.facts import DrillFacts
from muster.history.query import stamp
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import FaultEntry, RpoEntry, RtoEntry, SloEntry

WRITER = """
import sys
from pathlib import Path
from muster.history import History, RunFacts
from muster.verdict import DrillVerdict

address, number, drills = sys.argv[1], sys.argv[2], int(sys.argv[3])
run = RunFacts(f"run-{number}", "2026-02-28T03:00:00.000Z", "enhancer", "embedded", "rehearsal", "0.1.0")
print("ready", flush=True)
sys.stdin.readline()
for turn in range(drills):
    with History.open(address, Path("/nowhere"), create=True) as history:
        history.record(run, DrillVerdict(name=f"drill_{turn}"))
"""
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = RunFacts("run-1", "2026-02-28T03:00:00.000Z", "enhancer", "embedded", "rehearsal", "0.1.0", "abc123", 7)


def run_of(number: int, **changed: Any) -> RunFacts:
    """A run of its own."""
    return replace(RUN, id=f"run-{number}", **changed)


def told(name: str = "db_failure", verdict: str = "met", rto: float | None = 2.0, **more: Any) -> DrillVerdict:
    """A drill's entry in a summary."""
    interval = {} if rto is None else {"value_s": rto, "low_s": rto - 0.02, "high_s": rto + 0.03}
    return DrillVerdict(
        name=name,
        nodeid=f"drills/test_{name}.py::test_{name}",
        severity="P1",
        cadence=more.pop("cadence", "monthly"),
        verdict=Verdict(verdict),
        why="as told",
        fault=FaultEntry(experiment="db-failure", landed=True),
        procedure="promote-standby",
        recovered_by="promote-standby",
        rto=RtoEntry(**interval, target_s=900.0, budget_s=30.0, verdict=Verdict(verdict)),
        rpo=RpoEntry(value_s=0.0, target_s=300.0, acknowledged_writes=287, max_lost_writes=0, verdict=Verdict.MET),
        slo=[SloEntry(name="error_rate", window="after", target=0.01, value=0.002, samples=900, verdict=Verdict.MET)],
        timeline=f"reports/run/{name}.jsonl",
        **more,
    )


def fact(number: int, *, days_ago: float = 0.0, rto: float | None = 2.0, **changed: Any) -> DrillFacts:
    """A drill as it is read from a history."""
    blank = dict.fromkeys(DrillFacts._fields)
    moment = stamp(NOW - timedelta(days=days_ago))
    values: dict[str, Any] = {
        **blank,
        "id": number,
        "run": f"run-{number}",
        "at": moment,
        "started": moment,
        "muster_version": "0.1.0",
        "system": "enhancer",
        "cluster": "embedded",
        "evidence": "rehearsal",
        "name": "db_failure",
        "nodeid": "n",
        "severity": "P1",
        "cadence": "monthly",
        "verdict": "met",
        "why": "",
        "rto_value_s": rto,
        "rto_low_s": rto,
        "rto_high_s": rto,
        "rto_budget_s": 30.0,
        "rto_target_s": 900.0,
        **changed,
    }
    return DrillFacts(**values)


def write_at_once(address: str, *, processes: int, drills: int) -> None:
    """Let so many processes open a history at the same moment, and write so many drills each, opening it every time."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, address, str(number), str(drills)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * processes, told
