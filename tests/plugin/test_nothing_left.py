"""However a session ends, nothing of it is left: no process, no temporary directory, no fault in force."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from muster.base.process import processes_of_run
from muster.base.timeline import Tail
from muster.base.waiting import wait_for

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

# A cluster has 4 s to end in order, is killed, and its databases are removed: how long that takes is the machine's.
GONE_WITHIN_S = 20.0
# Seconds after which pytest is killed: from its first steps to the end of a drill.
MOMENTS = (0.8, 1.5, 2.5, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0)


@contextmanager
def running(project: DrillProject, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A session in the background, with temporary directories of its own."""
    temporary = project.root / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        # A job in the background of a shell ignores SIGINT, and its children inherit that.
        ["env", "--default-signal=INT", *project.command(*arguments)],
        cwd=project.root,
        env=project.environment(TMPDIR=str(temporary)),
        stdout=(project.root / "out").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run_id(project: DrillProject) -> str:
    """The id of the only run, or a name that no process bears where it had not begun yet."""
    runs = [path for path in (project.root / "reports").glob("*-*") if path.is_dir()]
    return runs[0].name.rpartition("-")[2] if runs else "none-began"


def assert_nothing_left(project: DrillProject) -> None:
    run = run_id(project)

    def left() -> str:
        processes = [f"{pid} {command(pid)}" for pid in processes_of_run(run)]
        directories = [path.name for path in (project.root / "tmp").glob("muster-*")]
        return "; ".join(processes + directories)

    wait_for(lambda: not left(), within=GONE_WITHIN_S, reason="nothing to be left of the run", latest=left)


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    except OSError:
        return "(gone)"


def wait_for_phase(project: DrillProject, phase: str) -> None:
    def seen() -> bool:
        timelines = (project.root / "reports").glob("*/*.jsonl")
        return any(
            event["kind"] == "phase" and event["phase"] == phase
            for path in timelines
            if path.name != "audit.jsonl"
            for event in Tail(path).read()
        )

    wait_for(seen, within=120, reason=f"phase {phase}", every=0.1)


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_after_kill_9(drill_project: DrillProject, moment: float) -> None:
    with running(drill_project, "drills", "-k", "pod_crash") as process:
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        assert_nothing_left(drill_project)


@pytest.mark.parametrize("moment", [3.0, 12.0])
def test_nothing_is_left_after_kill_9_of_an_xdist_controller(drill_project: DrillProject, moment: float) -> None:
    with running(drill_project, "drills", "-n", "2") as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(moment)
        process.kill()
        process.wait()
        assert_nothing_left(drill_project)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_is_undone_and_proves_nothing(drill_project: DrillProject, number: signal.Signals) -> None:
    with running(drill_project, "drills", "-k", "db_failure") as process:
        wait_for_phase(drill_project, "good")
        os.kill(process.pid, number)
        assert process.wait(60) == pytest.ExitCode.INTERRUPTED, (drill_project.root / "out").read_text()
        assert_nothing_left(drill_project)
    summary = drill_project.summary()
    assert (summary["verdict"], summary["why"]) == ("unknown", "the session was interrupted")
    timeline = drill_project.root / "reports/latest/db_failure.jsonl"
    undone = [event for event in Tail(timeline).read() if event["kind"] == "fault.undone"]
    assert any("replicas" in text for text in undone[-1]["undone"])
