"""Every fault of the drills, diagnosed while it is in force and mended by what is suggested."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from selfcheck.diagnosing import CONFTEST, IN_FORCE, LOOKS, MENDED, Look
from selfcheck.instrument import ROOT

KEPT = ROOT / "reports/selfcheck"
# Its alert fires still for a while once all is mended, and a diagnosis says so. A release, in whose file the others
# are, is taken back by whoever looks after it; no diagnosis is waited for.
LEFT_OUT = ("detection", "test_release")
PROJECT = ("drills", "experiments", "loadtests", "systems")


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """One drill in which a diagnosis said what is to be done.

    `recovery` is the procedure that the drill declares, empty where the platform heals; `outcome` is why what was
    suggested did not do its work, empty where it did, None where nothing was run. The verdict says besides whether it
    was in time, which a busy machine decides, too.
    """

    drill: str
    verdict: str
    recovery: str
    in_force: Look | None = None
    outcome: str | None = None
    mended: Look | None = None

    @property
    def misnamed(self) -> str:
        """What is wrong with the suggestion, a phrase; empty where it is the right one, with the fault's record on
        sight and without."""
        if self.in_force is None:
            return "it was not diagnosed"
        said, found = self.in_force.suggested or "nothing", "; ".join(self.in_force.found) or "nothing is found"
        if not self.recovery:
            return ""  # what the platform heals may be gone by now
        if said.split()[:3] != ["muster", "recover", self.recovery]:
            return f"'{said}' is suggested: {found}"
        if (with_record := self.in_force.with_record["procedure"]) != self.recovery:
            return f"with the fault's record on sight {with_record or 'nothing'} is suggested"
        return ""

    @property
    def unmended(self) -> str:
        """What was not mended, a phrase; empty where nothing is found any more but what the fault's record says."""
        if self.recovery and self.outcome != "":
            return f"the procedure failed: {self.outcome}" if self.outcome else "no procedure was run"
        if self.mended is None:
            return "it was not diagnosed again"
        severe = [text for text in self.mended.found if text.startswith(("P1", "P2"))]
        still = [*self.mended.with_record["besides"], *severe]
        return f"still found: {'; '.join(still)}" if still else ""


def diagnose(drills: Sequence[str] = ()) -> list[Diagnosed]:
    """Hold the named drills, or all, on a cluster of their own; what goes wrong is printed, and what was seen then is
    kept."""
    with tempfile.TemporaryDirectory(prefix="muster-selfcheck-") as scratch:
        root = Path(scratch)
        for name in PROJECT:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "pytest.ini").write_text("[pytest]\n")
        (root / "conftest.py").write_text(CONFTEST)
        chosen = ["-k", " or ".join(drills) if drills else f"not ({' or '.join(LEFT_OUT)})"]
        subprocess.run(
            [sys.executable, "-m", "pytest", "drills", "-p", "no:cacheprovider", *chosen],
            cwd=root,
            check=False,
            env={**os.environ, LOOKS: str(root / "looks.jsonl"), "PYTHONPATH": str(ROOT)},
        )
        found = read(root)
        held = {one.drill for one in found}
        found += [Diagnosed(name, "unknown", "?") for name in names() if not drills and name not in held]
        for one in found:
            if trouble := one.misnamed or one.unmended:
                KEPT.mkdir(parents=True, exist_ok=True)
                for path in root.glob(f"{one.drill}-*.json"):
                    shutil.copy(path, KEPT)
                print(f"{one.drill}: {trouble}; see {KEPT}/{one.drill}-*.json")
        return found


def names() -> list[str]:
    """The drills of the project: one that was not held is not mended."""
    paths = [path for path in sorted((ROOT / "drills").glob("test_*.py")) if path.stem not in LEFT_OUT]
    found = [name for path in paths for name in re.findall(r"^def test_(\w+)", path.read_text(), re.MULTILINE)]
    return [name for name in found if name not in LEFT_OUT]


def read(root: Path) -> list[Diagnosed]:
    """What came of each drill that was held in a project, by its summary and its looks."""
    summary, looks = root / "reports/latest/summary.json", root / "looks.jsonl"
    drills = json.loads(summary.read_text())["drills"] if summary.exists() else []
    told = [json.loads(line) for line in looks.read_text().splitlines()] if looks.exists() else []
    found = {(one["drill"], one["when"]): Look(**one) for one in told if "when" in one}
    outcomes = {one["drill"]: one["outcome"] for one in told if "outcome" in one}
    return [
        Diagnosed(
            drill=one["name"],
            verdict=one["verdict"],
            recovery=one.get("procedure") or "",
            in_force=found.get((one["name"], IN_FORCE)),
            outcome=outcomes.get(one["name"]),
            mended=found.get((one["name"], MENDED)),
        )
        for one in drills
    ]
