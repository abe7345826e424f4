"""The sabotages of tests/sabotage, all of them: none may end met."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from selfcheck.instrument import ROOT

HOW = ["-q", "--no-header", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider"]


@dataclass(frozen=True, slots=True)
class Caught:
    """How many tests of sabotages there were, and how many found it caught."""

    held: int
    caught: int


def sabotage(count: int | None, seed: int) -> Caught:
    """Hold `count` of the sabotaged drills, drawn with a seed, or all of them; what goes wrong is printed."""
    with tempfile.TemporaryDirectory(prefix="muster-selfcheck-") as scratch:
        results = Path(scratch) / "results.xml"
        drawn = [] if count is None else [f"--sabotages={count}", f"--sabotage-seed={seed}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", "tests/sabotage", *HOW, f"--junitxml={results}", *drawn],
            cwd=ROOT,
            check=False,
        )
        told = list(ET.parse(results).iter("testcase")) if results.exists() else []  # noqa: S314 - our own
    return Caught(len(told), sum(not len(case) for case in told))
