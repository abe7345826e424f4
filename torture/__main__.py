"""`python -m torture [PART ...]`: kill what strikes, take the API from it, let two strike at once; nothing is left.
Kill who tells people; nothing is lost.

Trials that were made with a seed are kept, in reports/torture/ unless another directory is named: the same command
goes on where it was ended, and the table at the end is of all of them. Exit status 1 where one failed.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from rbac.stage import ROOT

from muster.base.clock import now
from muster.base.errors import MusterError
from torture.moments import NOT_KILLED, write_courses
from torture.parts import PARTS
from torture.results import HEAD, Kept, Trial, markdown, rows
from torture.running import run

KEPT = ROOT / "reports/torture"  # and what is left of a trial that failed


def main() -> int:
    options = _options()
    try:
        if options.rehearse:
            return _rehearse(options.drills)
        return _trials(options)
    except MusterError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


def _trials(options: argparse.Namespace) -> int:
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    began, found, commit = now(), list[Trial](), _commit()
    print(f"{os.cpu_count()} cores, seed {seed}, {options.jobs} at once", flush=True)
    for name in options.parts or PARTS:
        part = PARTS[name]
        count = part.count if options.count is None else options.count
        cases = part.draw(options.drills, count, seed)
        kept = Kept(options.kept / f"{name}-{seed}.jsonl")
        if options.again:
            kept.path.unlink(missing_ok=True)
        was_made, of_another_draw = kept.of(cases)
        if of_another_draw:
            print(f"{name}: {of_another_draw} trials that are kept are of another draw, and do not count", flush=True)
        made = {trial.number for trial in was_made} if options.trial is None else set(range(len(cases)))
        wanted = [case for case in cases if case.number not in made or case.number == options.trial]
        for trial in run(name, wanted, jobs=options.jobs, within_s=options.within, keep=KEPT / f"{name}-{seed}"):
            kept.add(replace(trial, commit=commit))
            print(trial.line(), flush=True)
        found += kept.of(cases)[0]
    print(f"\n{markdown(HEAD, rows(found))}\n")
    for trial in found:
        if not trial.held:
            print(trial.line())
    print(f"{now() - began:.0f} s; seed {seed}")
    return 0 if all(trial.held for trial in found) else 1


def _commit() -> str:
    """The commit that is tried, marked where something was changed since; empty where that is not known."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip()


def _rehearse(names: list[str]) -> int:
    """Hold each drill, strike by each experiment and run each procedure once, and write down which steps they have."""
    from torture import calls, cuts, kills  # noqa: PLC0415 - slow

    procedures = [name for name in names if name in cuts.PROCEDURES]
    drills = [name for name in names if name not in {*calls.EXPERIMENTS, *procedures}]
    if drills or not names:
        with kills.victims() as place:
            for name in drills or sorted(place.drills.keys() - NOT_KILLED):
                found = place.rehearse(name)
                write_courses({name: found})
                print(f"{name}: {len(found)} boundaries", flush=True)
    experiments = [name for name in names if name in calls.EXPERIMENTS]
    if experiments or not names:
        with calls.stand_in() as stand_in:
            for name in experiments or calls.EXPERIMENTS:
                asked = stand_in.rehearse(name)
                calls.write_calls({name: asked})
                print(f"{name}: {len(asked)} calls", flush=True)
    if procedures or not names:
        with cuts.cuts() as place_of_cuts:
            for name in procedures or cuts.PROCEDURES:
                made = place_of_cuts.rehearse(name)
                cuts.write_writes({name: made})
                print(f"{name}: {len(made)} writes", flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--count", type=int, metavar="N", help="how many trials of each part")
    parser.add_argument("--seed", type=int, help="draws the same trials again")
    parser.add_argument("--trial", type=int, metavar="N", help="make the trial of this number, and no other")
    parser.add_argument("--drills", nargs="+", default=[], metavar="DRILL", help="kill these drills only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials side by side")
    parser.add_argument(
        "--within", type=float, default=math.inf, metavar="S", help="begin no trial of a part after so long"
    )
    parser.add_argument("--kept", type=Path, default=KEPT, metavar="DIR", help="where trials are kept")
    parser.add_argument("--again", action="store_true", help="forget what was made with this seed")
    parser.add_argument("--rehearse", action="store_true", help="write down anew which steps the drills have")
    options = parser.parse_args()
    if strange := [part for part in options.parts if part not in PARTS]:
        parser.error(f"'{strange[0]}' is no part (there are: {', '.join(PARTS)})")
    if options.jobs < 1 or (options.count is not None and options.count < 1):
        parser.error("--jobs and --count are numbers from 1 on")
    return options


if __name__ == "__main__":
    sys.exit(main())
