"""Child processes that end with us.

Everything muster starts runs below a lifeline (see `muster.base.lifeline`), so that it is gone, grandchildren and
temporary directory included, however this process ends.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from muster.base import lifeline
from muster.base.clock import now
from muster.base.errors import TimeoutExceededError

RUN_ID_VARIABLE = "MUSTER_RUN_ID"
INJECTION_VARIABLE = "MUSTER_INJECTION"  # which injection of the run an experiment's process is for
NOTHING_LEFT = 10  # the exit status by which a command tells that nothing is left for it to take back


def run_id() -> str:
    """This run's id, which every process of the run has in its environment; made at the first call."""
    if RUN_ID_VARIABLE not in os.environ:
        os.environ[RUN_ID_VARIABLE] = secrets.token_hex(6)
    return os.environ[RUN_ID_VARIABLE]


class Child:
    """A command running below a lifeline. A context manager: leaving it ends the command and all its descendants."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        remove: Sequence[Path] = (),
        stdout: IO[bytes] | int = subprocess.DEVNULL,
        stderr: IO[bytes] | int = subprocess.DEVNULL,
        grace: float = 2.0,
        detached: bool = False,
    ) -> None:
        """Start `command`; `remove` are directories that go when it ends.

        `env` is added to this process's environment; `grace` is the time in seconds between SIGTERM and SIGKILL. With
        `detached` the command lasts until SIGTERM instead of as long as this process.
        """
        guard = [sys.executable, "-I", "-S", lifeline.__file__, "--grace", str(grace)]
        guard += ["--detached"] if detached else []
        for directory in remove:
            guard += ["--remove", str(directory)]
        self.command = list(command)
        self._process = subprocess.Popen(
            [*guard, "--", *command],
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, RUN_ID_VARIABLE: run_id(), **(env or {})},
            cwd=cwd,
            # Ctrl-C goes to the terminal's whole process group; the owner decides what ends, not the terminal.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The lifeline's process id."""
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes]:
        """The command's output, if it was asked for with `stdout=subprocess.PIPE`."""
        assert self._process.stdout is not None
        return self._process.stdout

    def poll(self) -> int | None:
        """The exit status (128 + N for a command that died of signal N), or None while it runs."""
        return self._process.poll()

    def wait(self, *, within: float, reason: str) -> int:
        """Wait for the command to end by itself and return its exit status.

        Raises:
            TimeoutExceededError: it still runs after `within` seconds.
        """
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise TimeoutExceededError(f"waited {within:g} s for {reason}") from None

    def signal_command(self, number: signal.Signals) -> None:
        """Send a signal to the command itself, not to its lifeline."""
        for pid in lifeline.descendants(self.pid)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> int:
        """End the command and everything below it, wait for that, and return the exit status. May be called again."""
        if self._process.poll() is None:
            if self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
            else:
                self._process.terminate()
        status = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def processes_of_run(run: str) -> list[int]:
    """Process ids whose environment names `run` as their run, this process apart: what a run must not leave behind."""
    marker = f"{RUN_ID_VARIABLE}={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if marker in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def wait_gone(pid: int, *, within: float) -> bool:
    """Whether process `pid`, not necessarily our child, was gone within so many seconds."""
    deadline = now() + within
    while Path(f"/proc/{pid}").exists():
        if now() > deadline:
            return False
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            select.select([fd], [], [], max(deadline - now(), 0))
        finally:
            os.close(fd)
    return True
