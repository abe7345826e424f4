"""Print what muster costs: start-up, throughput, load generator, drills, report, history, diagnosis.

`python -m bench releases` simulates 1,000 releases of known quality and writes the table of docs/releasing.md again.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench import analysis, history
from bench.beside import beside
from bench.diagnose import A_NAMESPACE, NAMESPACES, Cost, diagnose_all, diagnose_reference
from bench.overhead import overhead
from bench.releases.simulation import planned, simulated
from bench.releases.table import PAGE as RELEASING
from bench.releases.table import lines_of, write
from bench.report import report
from muster.base.timeline import Timeline, read_timeline
from muster.drill import ManagedSystem
from muster.kube import Cluster, EmbeddedCluster, connect
from muster.load.profiles import find_profile
from muster.load.run import LoadRun
from muster.probes.http.address import service_url
from muster.system import SystemDefinition, read_system

ROOT = Path(__file__).resolve().parents[1]
SYSTEM = ROOT / "systems/enhancer/system.yaml"


PARTS = ("start", "throughput", "overhead", "drills", "report", "history", "analysis", "diagnose", "releases")
PAGE = "/workflows?limit=20"
FIVE = "pod_crash or high_load or db_failure or config_corruption or full_outage"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all but releases)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each load lasts")
    parser.add_argument("--rates", type=float, nargs="+", default=[1000.0, 2000.0, 3000.0], help="requests/s")
    options = parser.parse_args()
    if strange := [part for part in options.parts if part not in PARTS]:
        parser.error(f"'{strange[0]}' is no part of the bench (there are: {', '.join(PARTS)})")
    print(f"{os.cpu_count()} cores")
    for part in options.parts or [part for part in PARTS if part != "releases"]:
        measure(part, options)
    return 0


def measure(part: str, options: argparse.Namespace) -> None:
    """Measure one part and print its figures."""
    match part:
        case "start":
            cluster_start()
            system_start()
        case "throughput":
            throughputs(options.rates, options.seconds)
        case "overhead":
            generator_overhead()
        case "drills":
            drills()
        case "report":
            seconds, size = report()
            show("report of 200 drills", seconds, "s", f"{size:.1f} MB, wanted < 20")
        case "history":
            answers()
        case "analysis":
            analysed()
        case "diagnose":
            diagnosed()
        case "releases":
            released()


@contextmanager
def cluster(definition: SystemDefinition) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        images = Path(scratch) / "images.yaml"
        images.write_text(yaml.safe_dump(definition.image_table()))
        with EmbeddedCluster.start(images=images) as embedded, connect(embedded.kubeconfig, embedded=True) as found:
            yield found


def cluster_start(times: int = 5) -> None:
    taken = []
    for _ in range(times):
        begun = time.monotonic()
        with EmbeddedCluster.start() as embedded, connect(embedded.kubeconfig, embedded=True):
            taken.append(time.monotonic() - begun)
    show("embedded cluster ready to serve", statistics.median(taken), "s", f"median of {times}, wanted < 1")


def system_start() -> None:
    definition = read_system(SYSTEM)
    begun = time.monotonic()
    with cluster(definition) as found:
        ManagedSystem(found, definition).prepare()
        show("reference system ready from nothing", time.monotonic() - begun, "s", "cluster included, wanted < 8")


def throughputs(rates: list[float], seconds: float) -> None:
    for rate in rates:
        throughput(rate, seconds)


def throughput(rate: float, seconds: float) -> None:
    """An open-loop load with the admission limit lifted; latency counts from the intended times."""
    definition = read_system(SYSTEM)
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch, cluster(definition) as found:
        managed = ManagedSystem(found, definition)
        managed.prepare()
        lift_admission(found, definition, managed)
        path = Path(scratch) / "bench.jsonl"
        Timeline.start(path, run="bench", drill="bench").close()
        load = LoadRun.start(
            find_profile(ROOT / "loadtests", "steady"),
            rate=rate,
            url=service_url(found, definition),
            timeline=path,
            directory=Path(scratch),
            ceiling=math.inf,
        )
        with load:
            time.sleep(seconds + 2)
        seen = list(beside(service_url(found, definition), PAGE, rate, min(seconds, 10.0), Path(scratch)))
        requests = [event for event in read_timeline(path) if event["kind"] == "request"]
    begin = min(event["intended"] for event in requests) + 1  # the first second warms up
    inside = [event for event in requests if begin <= event["intended"] < begin + seconds]
    latencies = sorted(event["done"] - event["intended"] for event in inside)
    failed = sum(event["outcome"] != "ok" for event in inside)
    answered = len(inside) - failed
    show(f"load of {rate:g} requests/s for {seconds:g} s: answered", answered / seconds, "requests/s")
    show("  P95, from the intended time", latencies[int(0.95 * len(latencies))] * 1000, "ms", "wanted < 500, aim 20")
    show("  error rate", 100 * failed / len(inside), "%", "wanted < 0.1")
    for one in seen:
        p95 = "" if one.p95_ms is None else f"P95 {one.p95_ms:.1f} ms"
        show(f"  the same system, {PAGE} alone: {one.by}", one.answered_per_s, "requests/s", p95)


def lift_admission(found: Cluster, definition: SystemDefinition, managed: ManagedSystem) -> None:
    settings = found.get("ConfigMap", "enhancer-settings", definition.namespace)["data"]["settings.yaml"]
    lifted = "".join(
        "admission_rate: 0\n" if line.startswith("admission_rate") else line for line in settings.splitlines(True)
    )
    found.patch("ConfigMap", "enhancer-settings", definition.namespace, {"data": {"settings.yaml": lifted}})
    restart = {"spec": {"template": {"metadata": {"annotations": {"muster.dev/bench": "lifted"}}}}}
    found.patch("Deployment", "api", definition.namespace, restart)
    deadline = time.monotonic() + 60
    while managed.state.unready() and time.monotonic() < deadline:
        time.sleep(0.2)


def generator_overhead() -> None:
    measured = overhead()
    percent, pairs = measured.percent, len(measured.pairs)
    show("plain Locust, processor time for a request", measured.plain, "µs", f"median of {pairs}")
    show("muster's open loop with its timeline", measured.ours, "µs", f"median of {pairs}")
    spread = f"in pairs, from {percent[0]:+.1f} to {percent[-1]:+.1f}; wanted < 5"
    show("  overhead, median", statistics.median(percent), "%", spread)


def drills() -> None:
    """The five drills of the plan, from a warm cache; their holds and steady times as they are."""
    command = [sys.executable, "-m", "pytest", "drills", "-q", "-k", FIVE]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        done = subprocess.run([*command, "--reports", scratch], cwd=ROOT, check=False, capture_output=True)
    show("the five drills, wall time", time.monotonic() - begun, "s", f"exit {done.returncode}, wanted < 120")


def answers() -> None:
    """The slowest answer that `muster history` gives of 10,000 drills."""
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        file = Path(scratch) / "history.sqlite"
        count = history.fill(file)
        taken = history.measure(file)
    slowest = max(taken, key=lambda query: taken[query])
    show(f"history of {count} drills, slowest answer", taken[slowest], "s", f"{slowest}, wanted < 1")


def analysed() -> None:
    """Long timelines judged again; linear means that a sample costs the same in each."""
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as scratch:
        path = Path(scratch) / "long.jsonl"
        for samples in (500_000, 1_000_000, 5_000_000):
            analysis.write(path, samples)
            took = analysis.measure(path, samples)
            note = f"{took.memory_mb:.0f} MB, {took.cpu_s:.1f} s of processor, {took.verdict}"
            show(f"timeline of {samples:,} samples analysed", took.wall_s, "s", note)


def diagnosed(times: int = 7) -> None:
    """The reference system and a whole cluster looked at, as a person would."""
    costs = sorted(diagnose_reference(SYSTEM, times), key=lambda cost: cost.wall_s)
    show_cost("diagnosis of the reference system", costs[times // 2], f"median of {times}, wanted < 2")
    show_cost(
        f"diagnosis of {NAMESPACES * A_NAMESPACE:,} pods in {NAMESPACES} namespaces", diagnose_all(), "wanted < 10"
    )


def show_cost(what: str, cost: Cost, wanted: str) -> None:
    note = f"{wanted}; {cost.cpu_s:.1f} s of processor, {cost.findings} findings, {len(cost.unknown)} unknown"
    show(what, cost.wall_s, "s", note)
    show("  memory at the most", cost.peak_mb, "MB", "wanted < 500")
    for one in cost.unknown:
        print(f"  not seen: {one}")


def released() -> None:
    """What several rules make of releases of known quality, printed and written into the docs."""
    begun = time.monotonic()
    told = simulated(planned())
    print(*lines_of(told), sep="\n")
    write(told)
    show(f"{len(planned()):,} releases under each rule simulated", time.monotonic() - begun, "s", f"into {RELEASING}")


def show(what: str, value: float, unit: str, note: str = "") -> None:
    print(f"{what:<55} {value:10.2f} {unit:<11} {note}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
