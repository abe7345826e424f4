"""Processes that hang: stopped from outside of their pod, where the kernel does not shield them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def processes_with(variable: str) -> list[int]:
    """The processes of this machine that have NAME=VALUE in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if variable.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@contextmanager
def frozen(variable: str) -> Iterator[None]:
    """Stop them; at the end those that are still there go on, to be ended with their pod."""
    pids = processes_with(variable)
    assert pids, f"no process has {variable}"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in set(pids) & set(processes_with(variable)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def kill(variable: str) -> None:
    """Kill them where they stand."""
    pids = processes_with(variable)
    assert pids, f"no process has {variable}"
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
