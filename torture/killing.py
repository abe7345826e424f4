"""Killing the processes of a run, in each of the ways in which a run may end, and seeing what is left of them."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from muster.base.lifeline import descendants
from muster.base.process import RUN_ID_VARIABLE

SWEEPS = 5  # a process that is being started while we look is found by a later one
GUARDIAN = b"muster.guardian"


def processes_of(run: str) -> list[int]:
    """The processes that have a run's id in their environment."""
    return processes_with(RUN_ID_VARIABLE, run)


def processes_with(variable: str, value: str) -> list[int]:
    """The processes, but for this one, that have a variable of this value in their environment."""
    wanted, found = f"{variable}={value}".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def is_guardian(pid: int) -> bool:
    """Whether a process is the guardian of a session."""
    try:
        return GUARDIAN in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def kill(way: str, pytest: int, run: str) -> None:
    """Kill the session `pytest` of a run: itself, its process group, `all` but the guardian, or, first of all, that as
    well (`alone`)."""
    if way == "group":
        _end(pytest, group=True)
        return
    if way == "alone":
        for pid in filter(is_guardian, processes_of(run)):
            _end(pid)
    _end(pytest)
    if way == "pytest":
        return
    for _ in range(SWEEPS):
        there = [pid for pid in processes_of(run) if way == "alone" or not is_guardian(pid)]
        if not there:
            return
        for pid in there:
            _end(pid)


def stopped_below(pid: int) -> list[str]:
    """The processes below one that are stopped by a signal: number and name."""
    found = []
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            name, _, rest = Path(f"/proc/{one}/stat").read_text().partition("(")[2].rpartition(")")
            if rest.split()[0] == "T":
                found.append(f"{one} {name}")
    return found


def _end(pid: int, *, group: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
