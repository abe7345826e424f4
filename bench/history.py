"""How long the history takes to answer: `python -m bench.history [--runs 500] [--drills 20] [--keep FILE]`.

The runs are generated: half a thousand of them, two years, twenty drills, rehearsals mostly and some on a cluster, with
a drill that has become slower of late, one that fails now and then, and one that nobody holds any more.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muster.history import History

NAMES = ("pod_crash", "high_load", "db_failure", "config_corruption", "full_outage", "agent_failure", "workflow_reset")
SEVERITIES = ("P2", "P2", "P1", "P1", "P1", "P2", "P3")
CADENCES = ("monthly", "monthly", "monthly", "quarterly", "yearly", "quarterly", None)
OBJECTIVES = (("error_rate", 0.01), ("latency_p95", 1.0))
QUERIES = (
    ("history",),
    ("history", "--drill", "db_*", "--since", "1y"),
    ("history", "--evidence", "cluster", "--verdict", "missed"),
    ("history", "--last", "10", "--severity", "P1"),
    ("history", "show", "db_failure"),
    ("history", "--json"),
    ("history", "--csv"),
)


def fill(file: Path, *, runs: int = 500, drills: int = 20, seed: int = 1, until: datetime | None = None) -> int:
    """Write generated runs, a drill of each name in each, and return how many drills there are."""
    chance, end = random.Random(seed), until or datetime.now(UTC)
    names = [NAMES[n] if n < len(NAMES) else f"{NAMES[n % len(NAMES)]}_{n // len(NAMES)}" for n in range(drills)]
    run_rows, drill_rows, objective_rows = (list[dict[str, Any]]() for _ in range(3))
    for number in range(runs):
        at = end - timedelta(days=730) * ((runs - number) / runs)
        run_rows.append(_run(number, at))
        for place, name in enumerate(names):
            if name == "full_outage" and number > runs // 2:
                continue  # nobody holds it any more
            key = len(drill_rows) + 1
            drill_rows.append(_drill(chance, key, run_rows[-1], place, name, latest=number >= runs - 2))
            objective_rows += _objectives(chance, key)
    with History.open(str(file), Path.cwd(), create=True) as history:
        history.add_all(run_rows, drill_rows, objective_rows)
    return len(drill_rows)


def _run(number: int, at: datetime) -> dict[str, Any]:
    rehearsal = number % 10 != 0
    return {
        "id": f"generated-{number:05}",
        "started": _stamp(at),
        "finished": _stamp(at + timedelta(minutes=2)),
        "system": "enhancer",
        "cluster": "embedded" if rehearsal else "staging",
        "evidence": "rehearsal" if rehearsal else "cluster",
        "muster_version": "0.1.0",
        "git_commit": f"{number:012x}",
        "seed": 1,
        "verdict": "met",
        "why": "generated",
    }


def _drill(
    chance: random.Random, key: int, run: dict[str, Any], place: int, name: str, *, latest: bool
) -> dict[str, Any]:
    usual = (1 + place % 7) * (1.0 if run["evidence"] == "rehearsal" else 4.0)
    value = usual * chance.lognormvariate(0, 0.08) * (2.0 if latest and name == "db_failure" else 1.0)
    missed = name == "high_load" and chance.random() < 0.03
    unknown = not missed and chance.random() < 0.01
    value = value * 40 if missed else value
    return {
        "id": key,
        "run_id": run["id"],
        "nodeid": f"drills/test_{name}.py::test_{name}",
        "at": run["finished"],
        "name": name,
        "severity": SEVERITIES[place % 7],
        "cadence": CADENCES[place % 7],
        "fault": name.replace("_", "-"),
        "procedure": "promote-standby",
        "verdict": "missed" if missed else "unknown" if unknown else "met",
        "why": f"RTO {value:.2f} s",
        "recovered_by": None if unknown else "promote-standby",
        "rto_value_s": None if unknown else value,
        "rto_low_s": None if unknown else value - 0.02,
        "rto_high_s": None if unknown else value + 0.03,
        "rto_target_s": 900.0,
        "rto_budget_s": 30.0,
        "rpo_value_s": 0.0,
        "rpo_target_s": 300.0,
        "lost_writes": 0,
        "max_lost_writes": 0,
        "acknowledged_writes": chance.randrange(200, 400),
    }


def _objectives(chance: random.Random, key: int) -> list[dict[str, Any]]:
    return [
        {
            "drill_id": key,
            "name": name,
            "window": window,
            "target": target,
            "value": target * chance.betavariate(20, 180),
            "samples": 1000,
            "verdict": "met",
        }
        for name, target in OBJECTIVES
        for window in ("before", "after")
    ]


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def measure(file: Path) -> dict[str, float]:
    """The wall time of each query in seconds, the start of the program included; the best of three."""
    muster = str(Path(sys.executable).with_name("muster"))
    taken = {}
    for query in QUERIES:
        command = [muster, *query, "--history", str(file)]
        best = float("inf")
        for _ in range(3):
            begun = time.monotonic()
            subprocess.run(command, check=True, capture_output=True)
            best = min(best, time.monotonic() - begun)
        taken[" ".join(query)] = best
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--drills", type=int, default=20, help="drills in each run")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="leave the generated history there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        file = (options.keep or Path(scratch) / "history.sqlite").resolve()
        print(f"{fill(file, runs=options.runs, drills=options.drills)} drills in {options.runs} runs")
        for query, seconds in measure(file).items():
            print(f"{'muster ' + query:<62} {seconds:6.2f} s   wanted < 1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
