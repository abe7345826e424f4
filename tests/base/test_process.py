"""What muster starts is gone when its owner is gone, however the owner went."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from muster.base import lifeline
from muster.base.process import Child, processes_of_run, wait_gone
from muster.base.waiting import wait_for

# A command that leaves a grandchild behind in a session of its own, and tells its process id.
SPAWNER = """
import subprocess, sys, time
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
inner = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True)
open(sys.argv[1], "w").write(str(inner.pid)) and None
open(sys.argv[1] + ".done", "w").close()
time.sleep(600)
"""

OWNER = """
import sys, time
from pathlib import Path
from muster.base.process import Child
note, state, spawner = sys.argv[1:]
child = Child([sys.executable, "-c", spawner, note], remove=[Path(state)], grace=0.2)
time.sleep(600)
"""


def _started(tmp_path: Path, **options: object) -> tuple[Child, int]:
    note = tmp_path / "grandchild"
    child = Child([sys.executable, "-c", SPAWNER, str(note)], **options)  # type: ignore[arg-type]
    wait_for(lambda: Path(f"{note}.done").exists(), within=20, reason="the grandchild to be started")
    return child, int(note.read_text())


def test_leaving_the_block_ends_grandchildren_that_ignore_sigterm(tmp_path: Path) -> None:
    child, grandchild = _started(tmp_path, grace=0.2)
    with child:
        assert Path(f"/proc/{grandchild}").exists()
    assert wait_gone(grandchild, within=20)


def test_the_directory_goes_with_the_command(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "deep").mkdir(parents=True)
    (state / "deep" / "file").write_text("x")
    child = Child([sys.executable, "-c", "pass"], remove=[state])
    assert child.wait(within=20, reason="the command") == 0
    assert not state.exists()


def test_a_killed_owner_takes_everything_with_it(tmp_path: Path) -> None:
    note, state = tmp_path / "grandchild", tmp_path / "state"
    state.mkdir()
    run = f"test-{tmp_path.name}-{os.getpid()}"
    command = [sys.executable, "-c", OWNER, str(note), str(state), SPAWNER]
    owner = subprocess.Popen(command, env={**os.environ, "MUSTER_RUN_ID": run})
    wait_for(lambda: Path(f"{note}.done").exists(), within=20, reason="the grandchild to be started")
    owner.kill()
    owner.wait()
    wait_for(
        lambda: not processes_of_run(run) and not state.exists(), within=20, reason="nothing to be left of the run"
    )


def test_a_killed_lifeline_takes_the_command_with_it(tmp_path: Path) -> None:
    child, grandchild = _started(tmp_path)
    command = lifeline.descendants(child.pid)[0]
    os.kill(child.pid, signal.SIGKILL)
    assert wait_gone(command, within=20)
    os.kill(grandchild, signal.SIGKILL)  # an orphan only where the lifeline itself was killed: nobody is left to end it
    child.stop()


@pytest.mark.parametrize(
    ("code", "status"), [("import sys; sys.exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_exit_status_is_the_commands(code: str, status: int) -> None:
    assert Child([sys.executable, "-c", code]).wait(within=20, reason="the command") == status


def test_a_missing_program_is_said(tmp_path: Path) -> None:
    with (tmp_path / "err").open("wb") as err:
        child = Child(["no-such-program-anywhere"], stderr=err)
        assert child.wait(within=20, reason="the command") == 127
    assert "no-such-program-anywhere cannot be started: No such file or directory" in (tmp_path / "err").read_text()


def test_a_detached_command_outlives_the_handle_and_ends_on_sigterm(tmp_path: Path) -> None:
    child, grandchild = _started(tmp_path, detached=True, grace=0.2)
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait(within=10, reason="the lifeline") == 0
    assert wait_gone(grandchild, within=20)
