"""The kubelet's end of one pod's supervisor: start and end its programs, hear how they ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import muster
from muster.base.errors import MusterError
from muster.embedded.node.supervisor import wire

_SOURCE = str(Path(muster.__file__).parent.parent)
_BOOT = f"import sys; sys.path.insert(0, {_SOURCE!r}); from muster.embedded.node.supervisor.main import main; main()"
SUPERVISOR_ENDED = 9  # wait status of a program whose supervisor is gone: as if it had been killed


class StartError(MusterError):
    """A program could not be started in a pod."""


class CreateError(MusterError):
    """A container cannot be made as its manifest says; what it is made of may change."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start: `argv[0]` is looked up on the PATH of `env`, which is all its environment.

    Bytes that are no UTF-8 stand in these texts as Python keeps them in file names (`surrogateescape`), and reach the
    program as they were.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str = "/"

    def check(self) -> None:
        """Raises `CreateError` for what no program can be given. Values are not told: they may be secret."""
        for name, value in self.env.items():
            if not name or "=" in name or "\0" in name:
                raise CreateError(f"invalid environment variable name {name!r}")
            if "\0" in value:
                raise CreateError(f'environment variable "{name}" contains a NUL byte, which no program can be given')
        for position, word in enumerate(self.argv):
            if "\0" in word:
                raise CreateError(f"word {position} of the command contains a NUL byte, which no program can be given")
        if "\0" in self.cwd:
            raise CreateError("the working directory contains a NUL byte")


@dataclass(eq=False, slots=True)
class Running:
    """A program that was started. `ended` is its wait status, once it has ended."""

    name: str
    pid: int
    ended: asyncio.Future[int]


class Supervisor:
    """One pod's supervisor process. All calls belong on the event loop's thread."""

    def __init__(self, directory: Path, run_id: str) -> None:
        """`directory` is the pod's own, for what the supervisor itself complains about."""
        self._errors = directory / "supervisor.err"
        self._run_id = run_id
        self._process: subprocess.Popen[bytes] | None = None
        self._former: list[subprocess.Popen[bytes]] = []  # that ended on their own
        self._closed = False
        self._socket: socket.socket | None = None
        self._outbox: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._decoder = wire.Decoder()
        self._starting: dict[str, asyncio.Future[Running]] = {}
        self._running: dict[str, Running] = {}
        self._numbers = itertools.count(1)

    def launch(self) -> None:
        """Start the process, again if it has ended on its own; what is asked of it waits until it listens.

        Raises:
            StartError: the pod was closed.
        """
        if self._closed:
            raise StartError("the pod has ended")
        if self._process is not None:
            self._former.append(self._process)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs, self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={"MUSTER_RUN_ID": self._run_id},
                cwd="/",
                # The cluster decides what ends a pod, not the terminal.
                start_new_session=True,
            )
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._readable)

    @property
    def alive(self) -> bool:
        """Whether the process is there to be asked."""
        return self._socket is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, command: Command, *, jail: dict[str, Any] | None, log: Path) -> Running:
        """Start a container's program.

        Raises:
            StartError: it cannot be started.
        """
        return await self._ask("start", {**_plain(command), "jail": jail, "log": str(log)})

    async def exec(
        self, container: Running, command: Command, stdio: tuple[int, int, int], *, tty: bool = False
    ) -> Running:
        """Start a program inside a running container on the three descriptors of `stdio`, which stay the caller's.

        Raises:
            StartError: it cannot be started.
        """
        message = {**_plain(command), "container": container.name, "tty": tty}
        # The caller may close his descriptors before ours are sent.
        return await self._ask("exec", message, tuple(os.dup(descriptor) for descriptor in stdio))

    def signal(self, program: Running, number: int) -> None:
        """Send a signal to the program itself."""
        self._send({"do": "signal", "id": program.name, "signal": int(number)})

    def kill(self, program: Running) -> None:
        """SIGKILL to the program; for a container's, to everything in the container."""
        self._send({"do": "kill", "id": program.name})

    async def close(self) -> None:
        """End the pod: every process of it is killed. Returns when all are gone. May be called twice."""
        self._closed = True
        if self._socket is not None:
            self._gone()
        former, self._former = self._former, []
        if self._process is not None:
            former.append(self._process)
            self._process = None
        for process in former:
            await asyncio.to_thread(process.wait)

    async def _ask(self, do: str, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> Running:
        name = str(next(self._numbers))
        answer: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._starting[name] = answer
        self._send({"do": do, "id": name, **message}, descriptors)
        return await answer

    def _send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        if self._socket is None:
            _close_all(descriptors)
            self._fail_starting()
            return
        self._outbox.append((wire.encode(message), descriptors))
        if len(self._outbox) == 1:
            self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._outbox and self._socket is not None:
            data, descriptors = self._outbox[0]
            try:
                sent = socket.send_fds(self._socket, [data], descriptors) if descriptors else self._socket.send(data)
            except BlockingIOError:
                loop.add_writer(self._socket, self._flush)
                return
            except OSError:
                self._gone()
                return
            _close_all(descriptors)
            if sent < len(data):
                self._outbox[0] = (data[sent:], ())
            else:
                self._outbox.popleft()
        if self._socket is not None:
            loop.remove_writer(self._socket)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        for message in self._decoder.feed(data):
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        name = message["id"]
        if message["event"] == "ended":
            program = self._running.pop(name)
            if not program.ended.done():
                program.ended.set_result(message["status"])
            return
        answer = self._starting.pop(name)
        if message["event"] == "failed":
            if not answer.done():
                answer.set_exception(StartError(message["error"]))
            return
        running = Running(name, message["pid"], asyncio.get_running_loop().create_future())
        self._running[name] = running
        if answer.done():  # nobody waits for it any more
            self.kill(running)
        else:
            answer.set_result(running)

    def _gone(self) -> None:
        """The connection has ended: so will, or did, every program."""
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        self._socket.close()
        self._socket = None
        for _, descriptors in self._outbox:
            _close_all(descriptors)
        self._outbox.clear()
        self._fail_starting()
        for program in self._running.values():
            if not program.ended.done():
                program.ended.set_result(SUPERVISOR_ENDED)
        self._running.clear()

    def _fail_starting(self) -> None:
        for answer in self._starting.values():
            if not answer.done():
                answer.set_exception(StartError("the pod's supervisor has ended"))
        self._starting.clear()


def _plain(command: Command) -> dict[str, Any]:
    return {"argv": list(command.argv), "env": dict(command.env), "cwd": command.cwd}


def _close_all(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
