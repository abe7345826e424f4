"""Sessions of pytest forked off a process that has already imported all that a session imports.

Starting Python and importing is most of what a short session costs, and tests of the plugin hold hundreds. A fork is a
process of its own in all that a session can see, its exit, its signals and its output included; only what Python reads
when it starts (`PYTHON...` in the environment) reaches it too late, so such a session is started the ordinary way.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOW_TO_END_S = 5.0


class WarmPytest:
    """The process that sessions are forked off. One for each process that runs tests."""

    def __init__(self) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MUSTER_", "PYTEST_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=kept,
            text=True,
        )

    def run(self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: Path, timeout: float) -> int:
        """Run a session to its end and return its exit code (-N for one that died of signal N).

        Raises:
            subprocess.TimeoutExpired: it took longer than `timeout` seconds, and was killed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": list(arguments), "cwd": str(cwd), "env": dict(env), "output": str(output)}
        print(json.dumps({**asked, "timeout": timeout}), file=self._process.stdin, flush=True)
        code = json.loads(self._process.stdout.readline())["code"]
        if code is None:
            raise subprocess.TimeoutExpired(["pytest", *arguments], timeout, output.read_bytes())
        return int(code)

    def close(self) -> None:
        """End the process; sessions have ended before."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@cache
def sessions() -> WarmPytest:
    """The process that this process's sessions are forked off, started at the first call."""
    process = WarmPytest()
    atexit.register(process.close)
    return process


def suits(env: Mapping[str, str]) -> bool:
    """Whether a session in this environment may be forked: nothing in it is for Python's own start."""
    return all(os.environ.get(key) == value for key, value in env.items() if key.startswith("PYTHON"))


def main() -> None:
    """Warm up, then fork a session for each line of standard input, one after the other."""
    answers = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    warm_up()
    gc.collect()
    gc.freeze()  # what is never looked at again is not copied
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            os.close(answers)
            os.dup2(null, 0)
            session(asked)
        code = ended(pid, asked["timeout"])
        os.write(answers, json.dumps({"code": code}).encode() + b"\n")


def session(asked: dict[str, object]) -> None:
    """Become a session of pytest; ends this process."""
    output = os.open(str(asked["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(str(asked["cwd"]))
    env, arguments = asked["env"], asked["arguments"]
    assert isinstance(env, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(env)
    sys.path[0] = str(asked["cwd"])  # as `python -m` has it
    sys.argv = ["pytest", *arguments]
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    sys.exit()


def ended(pid: int, timeout: float) -> int | None:
    """The exit code of a child, or None where it had to be killed."""
    descriptor = os.pidfd_open(pid)
    try:
        in_time = bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)
    if not in_time:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            time.sleep(HOW_TO_END_S)
            os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if in_time else None


def warm_up() -> None:
    """Hold a told drill, so that everything is imported the way pytest imports it; then forget it."""
    from tests.drill_project import QUIETLY, DrillProject
    from tests.told import tell

    environment, path, modules, place = dict(os.environ), list(sys.path), set(sys.modules), Path.cwd()
    with tempfile.TemporaryDirectory() as directory:
        project = DrillProject.copy(Path(directory) / "warm")
        tell(project, "")
        os.environ["HOME"] = directory
        os.chdir(project.root)
        errors = os.dup(2)
        os.dup2(1, 2)
        pytest.main(["drills", *QUIETLY])
        os.dup2(errors, 2)
        os.close(errors)
        os.chdir(place)
        for name in set(sys.modules) - modules:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(directory):
                del sys.modules[name]
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    importlib.invalidate_caches()


if __name__ == "__main__":
    main()
