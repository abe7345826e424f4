"""Real supervisors with real processes, jailed and not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from muster.base.process import processes_of_run
from muster.base.waiting import wait_for
from muster.embedded.node import inside
from muster.embedded.node.images import Images
from muster.embedded.node.isolation import DEFAULT_ID, Isolation, Surroundings
from muster.embedded.node.launcher import Command, StartError, Supervisor
from muster.embedded.node.state import exit_code

Test = Callable[[Supervisor, "Shell"], Awaitable[None]]
POD = {"metadata": {"name": "pod-0"}, "spec": {}}


class Shell:
    """Starts shell scripts as a container would."""

    def __init__(self, supervisor: Supervisor, around: Surroundings, directory: Path) -> None:
        self.supervisor = supervisor
        self.around = around
        self.directory = directory
        self.log = directory / "log"

    async def start(self, script: str):
        command = self.around.command(["sh", "-c", script])
        return await self.supervisor.start(command, jail=self.around.jail, log=self.log)

    async def run(self, script: str) -> tuple[int, str]:
        """Run to the end: exit code, and what was printed."""
        running = await self.start(script)
        code, _ = exit_code(await running.ended)
        lines = [line.split(" ", 3)[3] for line in self.log.read_text().splitlines()]
        self.log.unlink()
        return code, "\n".join(lines)


@pytest.fixture(params=["jailed", "not jailed"])
def jailed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "not jailed":
        monkeypatch.setenv("MUSTER_NO_NAMESPACES", "1")
    return request.param == "jailed"


@pytest.fixture
def run_id(tmp_path: Path) -> str:
    return f"supervisor-{os.getpid()}-{tmp_path.name}"


@pytest.fixture
def in_pod(tmp_path: Path, run_id: str) -> Callable[[Test], None]:
    """Runs a coroutine function with a supervisor and a shell; a volume is at /data/volume, and read-only at /ro."""
    for name in ("etc", "root", "tmp", "volume"):
        (tmp_path / name).mkdir()
    (tmp_path / "volume/file").write_text("of the volume\n")
    (tmp_path / "etc/hosts").write_text("127.1.2.3 a-service\n")
    mounts = [
        {"source": str(tmp_path / "volume"), "target": "/data/volume", "read_only": False},
        {"source": str(tmp_path / "volume"), "target": "/ro", "read_only": True},
        {"source": str(tmp_path / "volume/file"), "target": "/etc/app/file", "read_only": True},
    ]

    async def whole(test: Test) -> None:
        isolation = Isolation()
        await isolation.find_out(tmp_path / "probe", run_id)
        image = Images().find("busybox")
        env = {**image.environment(), "MUSTER_RUN_ID": run_id, "VOLUME": "/data/volume"}
        command = Command([], env, "/")
        around = await isolation.surroundings(POD, {}, image, command, directory=tmp_path, mounts=mounts)
        supervisor = Supervisor(tmp_path, run_id)
        supervisor.launch()
        try:
            await test(supervisor, Shell(supervisor, around, tmp_path))
        finally:
            await supervisor.close()
        assert processes_of_run(run_id) == []
        assert (tmp_path / "supervisor.err").read_text() == ""

    return lambda test: uvloop.run(whole(test))


def rename(directory: Path, text: str) -> None:
    """Replace the pod's hosts file."""
    (directory / "etc/fresh").write_text(text)
    (directory / "etc/fresh").rename(directory / "etc/hosts")


async def printed(shell: Shell, text: bytes) -> None:
    """Wait until the program has printed this."""
    async with asyncio.timeout(20):
        while text not in shell.log.read_bytes():  # noqa: ASYNC110 - a file tells nobody that it has grown
            await asyncio.sleep(0.01)


def needs_jail(shell: Shell) -> None:
    if shell.around.jail is None:
        pytest.skip("this kernel allows no private namespaces to this user")


def test_output_and_exit_code_come_back(in_pod, jailed: bool) -> None:
    async def test(_supervisor: Supervisor, shell: Shell) -> None:
        assert await shell.run("echo out; echo err >&2; exit 7") == (7, "out\nerr")
        # As in any container, the first process cannot be killed from inside.
        assert await shell.run("kill -KILL $$; exit 9") == ((9, "") if shell.around.jail else (137, ""))

    in_pod(test)


def test_a_volume_is_found_at_its_mount_path(in_pod, jailed: bool, tmp_path: Path) -> None:
    async def test(_supervisor: Supervisor, shell: Shell) -> None:
        script = "cat /data/volume/file /etc/app/file; echo new > $VOLUME/new; echo scratch > /tmp/scratch-of-test"
        assert await shell.run(script) == (0, "of the volume\nof the volume")

    in_pod(test)
    assert (tmp_path / "volume/new").read_text() == "new\n"
    assert not Path("/tmp/scratch-of-test").exists()
    assert not Path("/data/volume").exists()


def test_a_jail_is_a_machine_of_its_own(in_pod) -> None:
    async def test(_supervisor: Supervisor, shell: Shell) -> None:
        needs_jail(shell)
        code, output = await shell.run(
            "id -u; id -un; hostname; echo $$; getent hosts a-service | cut -d' ' -f1; ls /tmp"
        )
        told, in_tmp = output.split()[:5], set(output.split()[5:])
        assert (code, told) == (0, [str(DEFAULT_ID), "app", "pod-0", "1", "127.1.2.3"])
        # Of the machine's own /tmp no more than the way to an interpreter that lies there.
        assert in_tmp <= {Path(place).parts[2] for place in (sys.prefix, __file__) if place.startswith("/tmp/")}
        assert (await shell.run("echo x > /ro/new"))[0] != 0
        assert (await shell.run("touch /etc/made-here /usr/made-here /made-here"))[0] == 0

    in_pod(test)
    assert not any(Path("/", directory, "made-here").exists() for directory in ("etc", "usr", ""))


def test_names_change_while_the_container_runs(in_pod, tmp_path: Path) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        needs_jail(shell)
        running = await shell.start("sleep 60")
        await asyncio.to_thread(rename, tmp_path, "127.4.5.6 a-service\n")
        command = shell.around.command(["getent", "hosts", "a-service"])
        code, output = await inside.capture(supervisor, running, command, 10)
        assert (code, output.split()[0]) == (0, "127.4.5.6")

    in_pod(test)


def test_exec_runs_beside_the_program(in_pod, jailed: bool) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        running = await shell.start("echo here > /tmp/mark; sleep 60")
        command = shell.around.command(["sh", "-c", "cat; cat /tmp/mark; exit 5"])
        while await inside.capture(supervisor, running, shell.around.command(["test", "-s", "/tmp/mark"]), 10) != (
            0,
            "",
        ):
            pass
        process = await inside.start(supervisor, running, command, stdin=True, tty=False)
        await process.write_stdin(b"said, ")
        await process.write_stdin(b"")
        assert await process.output() == b"said, here\n"
        assert await process.wait() == 5
        await process.close()

    in_pod(test)


def test_a_program_that_takes_too_long_is_killed(in_pod, jailed: bool) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        running = await shell.start("sleep 60")
        with pytest.raises(TimeoutError):
            await inside.capture(supervisor, running, shell.around.command(["sleep", "61"]), 0.2)

    in_pod(test)


def test_a_terminal_is_one(in_pod, jailed: bool) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        running = await shell.start("sleep 60")
        command = shell.around.command(["sh", "-c", "test -t 0 && test -t 1 && stty size"])
        process = await inside.start(supervisor, running, command, stdin=True, tty=True)
        process.resize(100, 40)
        assert await process.wait() == 0
        await process.close()

    in_pod(test)


def test_what_cannot_be_started_says_why(in_pod, jailed: bool) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        around = shell.around
        for argv, why in (
            (["nonesuch"], r'exec: "nonesuch": executable file not found in \$PATH'),
            (["/etc"], "Permission denied"),
            (["a\0b"], "embedded null"),
            ([os.fsdecode(b"none\xff")], "executable file not found"),
        ):
            with pytest.raises(StartError, match=why):
                await supervisor.start(around.command(argv), jail=around.jail, log=shell.log)
        assert (await shell.run("true"))[0] == 0

    in_pod(test)


LEAVES_MUCH = (
    "sleep 61 & setsid sleep 62 & (setsid setsid sleep 63 &) ; trap '' TERM; echo up; while :; do sleep 64; done"
)


def test_kill_ends_all_that_the_program_started(in_pod, jailed: bool, run_id: str) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        running = await shell.start(LEAVES_MUCH)
        await printed(shell, b"up")
        assert len(processes_of_run(run_id)) > 3
        supervisor.signal(running, signal.SIGTERM)
        supervisor.kill(running)
        assert exit_code(await running.ended) == (137, 9)
        assert processes_of_run(run_id) == [supervisor.pid]

    in_pod(test)


def test_what_a_program_leaves_behind_ends_with_it(in_pod, jailed: bool, run_id: str) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        assert (await shell.run("setsid sleep 61 > /dev/null 2>&1 & sleep 0.1; exit 3"))[0] == 3
        assert processes_of_run(run_id) == [supervisor.pid]

    in_pod(test)


def test_killing_the_supervisor_ends_its_containers(in_pod, jailed: bool, run_id: str) -> None:
    async def test(supervisor: Supervisor, shell: Shell) -> None:
        running = await shell.start(LEAVES_MUCH)
        await printed(shell, b"up")
        os.kill(supervisor.pid, signal.SIGKILL)
        assert exit_code(await running.ended) == (137, 9)
        wait_for(lambda: not processes_of_run(run_id), within=20, reason="the orphans of a killed supervisor to end")
        assert not supervisor.alive

    in_pod(test)


OWNER = """
import asyncio, pathlib, sys
from muster.embedded.node.launcher import Command, Supervisor
async def main():
    supervisor = Supervisor(pathlib.Path(sys.argv[1]), sys.argv[2])
    supervisor.launch()
    env = {"PATH": "/usr/bin:/bin", "MUSTER_RUN_ID": sys.argv[2]}
    await supervisor.start(Command(["sh", "-c", sys.argv[3]], env), jail=None, log=pathlib.Path(sys.argv[1], "log"))
    print("up", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_nothing_outlives_a_cluster_that_is_killed(tmp_path: Path, run_id: str) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path), run_id, LEAVES_MUCH]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        assert processes_of_run(run_id)
        owner.kill()
    wait_for(lambda: not processes_of_run(run_id), within=20, reason="the pods of a killed cluster to end")


def test_the_supervisor_needs_the_standard_library_only(tmp_path: Path) -> None:
    """Its start would be slow, and could be broken, by anything else."""
    source = Path(inside.__file__).parents[3]
    check = (
        f"import sys; sys.path.insert(0, {str(source)!r}); import muster.embedded.node.supervisor.main; "
        "print(*sorted(m for m in sys.modules if m.startswith('muster') or m in ('json', 're', 'pathlib', 'typing')))"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", check], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    package = "muster.embedded.node.supervisor"
    parents = {"muster", "muster.embedded", "muster.embedded.node", package}
    assert {name for name in loaded if not name.startswith(package + ".")} == parents
