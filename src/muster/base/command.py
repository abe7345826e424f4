"""A command of somebody else's, run to its end below a lifeline, line by line, within a limit."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from muster.base.clock import now
from muster.base.errors import TimeoutExceededError, UsageError
from muster.base.process import Child

LONGEST_LINE = 2000  # characters of one line that are told
GRACE_S = 2.0


class Ran(NamedTuple):
    """How a command ended: its exit status, and the last line that it wrote, empty where it wrote none."""

    status: int
    last: str


def words_of(command: str | Sequence[str]) -> list[str]:
    """A command as a list: of a text its words, with quotes as a shell has them, and nothing else of a shell.

    Raises:
        UsageError: it is empty, or its quotes do not match.
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise UsageError(f"command {command!r} cannot be read: {error}") from None
    if not words:
        raise UsageError("a command is empty; right would be a program and its arguments, such as ./failover.sh --now")
    return words


def check_program(command: Sequence[str], directory: Path) -> None:
    """Let pass a command whose program is there: on the path, or below `directory` where it is named with a slash.

    Raises:
        UsageError: it is not, or may not be run.
    """
    program = command[0]
    path = directory / program if "/" in program else Path(shutil.which(program) or "")
    if not path.is_file():
        where = str(path) if "/" in program else "on the path"
        raise UsageError(f"command '{shlex.join(command)}': there is no program {where}")
    if not os.access(path, os.X_OK):
        raise UsageError(f"command '{shlex.join(command)}': {path} is not executable; right would be: chmod +x {path}")


def run_command(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    within_s: float,
    told: Callable[[str], None] = lambda line: None,  # noqa: ARG005 - nobody listens
) -> Ran:
    """Run a command in a directory and wait for its end; `told` gets each line that it writes, to either output.

    `environment` is added to this process's. At its end, in time or not, all that it started is ended.

    Raises:
        UsageError: there is no such program.
        TimeoutExceededError: it did not end within `within_s` seconds.
    """
    check_program(command, directory)
    until, last = now() + within_s, ""
    with Child(
        command, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, grace=GRACE_S
    ) as child:
        for line in _lines(child, until, command, within_s):
            last = line or last
            told(line)
        status = child.wait(within=max(until - now(), GRACE_S), reason=f"'{shlex.join(command)}' to end")
    return Ran(status, last)


def _lines(child: Child, until: float, command: Sequence[str], within_s: float) -> Iterator[str]:
    """The lines of a command as they come, until it closes its output."""
    pending, file = b"", child.stdout.fileno()
    while True:
        left = until - now()
        if left <= 0:
            raise TimeoutExceededError(f"'{shlex.join(command)}' was ended: it ran for more than {within_s:g} s")
        if not select.select([file], [], [], left)[0]:
            continue
        data = os.read(file, 65536)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines if data else [part for part in (*lines, pending) if part]:
            yield line.decode(errors="replace").rstrip("\r")[:LONGEST_LINE]
        if not data:
            return
