"""Run a command so that nothing of it outlives its owner.

    python -I -S lifeline.py [--remove DIR] [--detached] [--grace SECONDS] -- COMMAND [ARGUMENT ...]

Standard input is a pipe whose other end the owner holds. When the owner closes it or dies, in whatever way, the
command gets SIGTERM and `grace` seconds, then every descendant gets SIGKILL, and DIR is removed. As a subreaper it is
the parent of every orphan below it, so no descendant can slip away by losing its parent. With --detached there is no
owner: it lasts until SIGTERM or the command's own end.

A program of its own that imports the standard library only, so that it starts in 20 ms and cannot be broken by what it
guards.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PR_SET_PDEATHSIG = 1


def descendants(pid: int) -> list[int]:
    """The process ids below `pid`, parents first; processes that end while we look are left out."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # The command's name, in brackets, may itself hold blanks and brackets.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def reap() -> dict[int, int]:
    """Collect every child that has ended: {process id: wait status}."""
    ended = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = status
    return ended


def end_everything(command: int, grace: float) -> None:
    """SIGTERM to the command, `grace` seconds, then SIGKILL to all descendants until there are none."""
    deadline = time.monotonic() + grace
    with contextlib.suppress(ProcessLookupError):
        os.kill(command, signal.SIGTERM)
    while descendants(os.getpid()) and time.monotonic() < deadline:
        if command in reap():
            break
        time.sleep(0.01)
    while True:
        reap()
        left = descendants(os.getpid())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def remove(directory: str) -> None:
    """Remove a tree, directories without permission bits and late writers included."""
    for _ in range(50):
        shutil.rmtree(directory, ignore_errors=True)
        if not Path(directory).exists():
            return
        for root, directories, _files in os.walk(directory):
            for name in directories:
                with contextlib.suppress(OSError):
                    (Path(root) / name).chmod(0o700)
        time.sleep(0.02)


def wait_for_end(command: int, woken: int, *, detached: bool) -> int | None:
    """Wait until the command ends (its wait status is returned), the owner is gone, or a signal asks us to end."""
    watched = [woken] if detached else [woken, 0]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if woken in ready:
            numbers = os.read(woken, 1024)
            if signal.SIGTERM in numbers or signal.SIGINT in numbers or signal.SIGHUP in numbers:
                return None
            ended = reap()
            if command in ended:
                return ended[command]
        if 0 in ready and not os.read(0, 1024):
            return None


def start(command: list[str]) -> int:
    """Start the command in a session of its own, to be killed should this process be killed. Returns its process id."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def main() -> int:
    parser = argparse.ArgumentParser(description="run a command that does not outlive its owner")
    parser.add_argument("--remove", action="append", default=[], metavar="DIR")
    parser.add_argument("--detached", action="store_true")
    parser.add_argument("--grace", type=float, default=2.0)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    awake, woken = os.pipe()
    os.set_blocking(woken, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)

    command = start(options.command)
    status = wait_for_end(command, awake, detached=options.detached)
    end_everything(command, options.grace if status is None else 0.0)
    for directory in options.remove:
        remove(directory)
    if status is None:
        return 0
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
