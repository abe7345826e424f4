"""Check the instrument: measure outages whose truth is known and faults that do nothing, and sabotage whole drills."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import orjson

from muster.base.clock import now
from muster.base.timeline import Event
from selfcheck import realtime, tables, virtual
from selfcheck.cases import KINDS, LONGEST_S, SHORTEST_S, Case, draw
from selfcheck.diagnose import diagnose
from selfcheck.healthy import healthy
from selfcheck.instrument import ROOT, Plan
from selfcheck.lag import late_configuration
from selfcheck.placebo import PLAN, alarmed, placebos
from selfcheck.results import Result
from selfcheck.sabotage import sabotage
from selfcheck.tables import Wanted

MEASURED = {"placebo": 100, "truth": 100, "virtual": 400}  # and how many of each
HEALTHY = 50
PARTS = [*MEASURED, "sabotage", "lag", "diagnose", "healthy"]
KEPT = ROOT / "reports/selfcheck"


def main() -> int:
    options = _options()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    parts = options.parts or PARTS
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, seed {seed}, {options.jobs} at once", flush=True)
    began, wanted, truths = now(), list[Wanted](), list[Result]()
    for part in parts:
        if part == "sabotage":
            wanted += tables.of_sabotages(sabotage(options.count, seed))
            continue
        if part == "lag":
            wanted += tables.of_lag(late_configuration())
            continue
        if part == "diagnose":
            diagnosed = diagnose()
            print(f"\n{tables.diagnosed(diagnosed)}\n", flush=True)
            wanted += tables.of_diagnoses(diagnosed)
            continue
        if part == "healthy":
            wanted += tables.of_healthy(healthy(options.count or HEALTHY, seed))
            continue
        count = MEASURED[part] if options.count is None else options.count
        if part == "placebo":
            wanted += tables.of_placebos(_placebo(count, options.jobs))
        else:
            truths += (_truth if part == "truth" else _virtual)(count, seed, options.jobs)
    if truths:
        print(f"\n{len(truths)} outages of {SHORTEST_S:g} to {LONGEST_S:g} s, of {len(KINDS)} kinds\n")
        print(tables.by_kind(truths), flush=True)
        wanted += tables.of_truth(truths)
    print(f"\n{tables.against(wanted)}\n\n{now() - began:.0f} s")
    return 0 if all(one.reached for one in wanted) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m selfcheck", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument(
        "--count",
        type=int,
        help="how many of each part (default: 100 placebos, 100 and 400 truths, all sabotages, 50 looks)",
    )
    parser.add_argument("--seed", type=int, help="draws the same outages again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="instruments side by side")
    options = parser.parse_args()
    if strange := [part for part in options.parts if part not in PARTS]:
        parser.error(f"'{strange[0]}' is no part of the selfcheck (there are: {', '.join(PARTS)})")
    if options.jobs < 1 or (options.count is not None and options.count < 1):
        parser.error("--jobs and --count are numbers from 1 on")
    return options


def _placebo(count: int, jobs: int) -> list[Result]:
    return _measured("placebo", placebos(count), PLAN, jobs, lambda one: one.why if alarmed(one) else None)


def _truth(count: int, seed: int, jobs: int) -> list[Result]:
    # The longest first, so that no instrument is left alone with them.
    drawn = sorted((draw(number, seed) for number in range(count)), key=lambda case: -case.ends)
    return _measured("truth", drawn, Plan(), jobs, tables.offence)


def _measured(
    part: str, cases: Sequence[Case], plan: Plan, jobs: int, wrong: Callable[[Result], str | None]
) -> list[Result]:
    """Measure cases in real time; timelines of those with which something is wrong are kept."""
    began = now()
    with tempfile.TemporaryDirectory(prefix="muster-selfcheck-") as scratch:
        found = realtime.measure(cases, plan, Path(scratch), jobs=jobs)
        for one in found:
            if said := wrong(one):
                KEPT.mkdir(parents=True, exist_ok=True)
                assert one.timeline is not None
                kept = shutil.copy(one.timeline, KEPT / f"{part}-{one.number}.jsonl")
                print(f"{tables.line(one, said)}; see {kept}")
    late = max((one.truth.late_s for one in found), default=0.0)
    switched = f", switches up to {late * 1000:.1f} ms late" if late else ""
    print(f"{part}: {len(found)} in real time, {now() - began:.0f} s{switched}", flush=True)
    return found


def _virtual(count: int, seed: int, jobs: int) -> list[Result]:
    began, found = now(), list[Result]()
    with ProcessPoolExecutor(min(jobs, os.cpu_count() or 1)) as pool:
        # Numbers of its own, so that with the same seed it does not repeat what was measured in real time.
        for one in pool.map(partial(_one_virtual, seed), range(10**6, 10**6 + count), chunksize=8):
            found.append(one)
            if said := tables.offence(one):
                print(f"{tables.line(one, said)}; see {one.timeline}")
    print(f"virtual: {len(found)} in {now() - began:.0f} s", flush=True)
    return found


def _one_virtual(seed: int, number: int) -> Result:
    one, events = virtual.measure(number, seed)
    if tables.offence(one) is None:
        return one
    KEPT.mkdir(parents=True, exist_ok=True)
    return replace(one, timeline=save(events, KEPT / f"virtual-{number}.jsonl"))


def save(events: Sequence[Event], path: Path) -> Path:
    """Write a timeline that never took place, so that it can be looked at."""
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    return path


if __name__ == "__main__":
    sys.exit(main())
