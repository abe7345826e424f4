"""What lasts only as long as a process does: a load that is raised, a connection that is held open."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster.base.process import wait_gone

END_WITHIN_S = 3.0
STARTED = 19  # where /proc/PID/stat says when it was started, counted from the field after the command's name


@dataclass(frozen=True)
class Held:
    """A process of a machine, and what ends with it. A process id alone may be another's by now: so it is this process
    only if it was started then, in clock ticks since that boot."""

    what: str
    host: str
    boot: str
    pid: int
    started: int

    @classmethod
    def by(cls, pid: int, what: str) -> Held:
        """What a process of this machine holds.

        Raises:
            ProcessLookupError: there is no such process.
        """
        started = _started(pid)
        if started is None:
            raise ProcessLookupError(f"there is no process {pid}")
        return cls(what, socket.gethostname(), _boot(), pid, started)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Held:
        texts = {key: str(content[key]) for key in ("what", "host", "boot")}
        return cls(pid=int(content["pid"]), started=int(content["started"]), **texts)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    def __str__(self) -> str:
        return f"{self.what} by process {self.pid} on {self.host}"

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, and since the same boot."""
        return (self.host, self.boot) == (socket.gethostname(), _boot())

    @property
    def lasts(self) -> bool:
        """Whether the process is there still. On another machine nobody knows, and it is not told to be."""
        return self.is_here and _started(self.pid) == self.started

    def ended(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """End the process, if it is there still: what was undone, and what was left, a sentence each."""
        if not self.is_here:
            return (), (f"{self}: it is not on this machine, and ends with that process",)
        if not self.lasts:
            return (), (f"{self}: left, it has ended",)
        for number, within in ((signal.SIGTERM, END_WITHIN_S), (signal.SIGKILL, END_WITHIN_S)):
            if self.lasts:  # asked right before, as the number may be another's a moment later
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, number)
            if wait_gone(self.pid, within=within) or not self.lasts:
                break
        return (f"{self}: ended",), ()


def _started(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None where there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[STARTED])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
