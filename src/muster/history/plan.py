"""What is planned: the drills of a project as their markers declare them, without running any.

pytest itself is asked, in a process of its own: it alone knows what its configuration makes of a directory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from muster.base.errors import UsageError

COLLECT_WITHIN_S = 300.0
DRILLS = "drills"
# What an outer session was told is not for this one.
_NOT_PASSED_ON = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
_DONE = (0, 5)  # pytest's exit codes for: all well, nothing collected


@dataclass(frozen=True, slots=True)
class Planned:
    """A drill as its marker declares it; `budget_s` in seconds."""

    name: str
    severity: str | None = None
    cadence: str | None = None
    nodeid: str = ""
    fault: str | None = None
    load: str | None = None
    recovery: str | None = None
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The drills of a project by name, and the files that were skipped as a whole, whatever drills they hold."""

    drills: dict[str, Planned]
    skipped: list[str]


def read_plan(root: Path, paths: Sequence[str] = (DRILLS,)) -> dict[str, Planned]:
    """The drills below paths of a project, by name, in pytest's order.

    Raises:
        UsageError: pytest cannot collect them; the message is its own.
    """
    return read_whole_plan(root, paths).drills


def read_whole_plan(root: Path, paths: Sequence[str] = (DRILLS,)) -> Plan:
    """The same, with what could not be looked into.

    Raises:
        UsageError: pytest cannot collect them; the message is its own.
    """
    with tempfile.TemporaryDirectory(prefix="muster-plan-") as scratch:
        path = Path(scratch) / "plan.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--drill-plan={path}", *paths]
        environment = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=COLLECT_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UsageError(f"pytest did not collect {' '.join(paths)} in {COLLECT_WITHIN_S:g} s") from None
        if done.returncode not in _DONE or not path.exists():
            raise UsageError(f"the drills in {' '.join(paths)} cannot be planned: {_complaint(done)}")
        return load_plan(path)


def load_plan(path: Path) -> Plan:
    """The plan in a file that `--drill-plan` or `muster plan --json` wrote.

    Raises:
        UsageError: there is none.
    """
    try:
        content = json.loads(path.read_text())
        drills = {drill["name"]: Planned(**drill) for drill in content["drills"]}
        return Plan(drills, [str(file) for file in content.get("skipped", [])])
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"{path} is no plan; right would be what muster plan --json prints, or a directory") from None


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The sentence with which pytest gave up, or the last that it said."""
    lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
    said = [line.removeprefix("ERROR").strip(": ") for line in lines if line.startswith(("ERROR", "E  "))]
    return (said or lines[-1:] or [f"pytest exited with {done.returncode}"])[0]
