"""The supervisor's loop: do what the kubelet asks, tell it what ended, and let nothing outlive the pod.

Standard input is a socket whose other end the kubelet holds. When that end closes, the cluster is gone, however it
went: every descendant is killed and this process ends. As a subreaper it is the parent of every orphan of the pod.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress

from muster.embedded.node.supervisor import linux, output, spawn, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]


class _Program:
    """A program that runs: a container's own, or one that was started inside a container.

    Without namespaces (not `jailed`) the process is a guard that ends when all below it is gone (see `spawn`).
    """

    def __init__(self, name: str, pid: int, jailed: bool) -> None:
        self.name = name
        self.pid = pid
        self.jailed = jailed

    def kill(self) -> None:
        """SIGKILL to the program; with a container's first process everything in the container goes."""
        below = [] if self.jailed else spawn.descendants(self.pid)
        for pid in below or [self.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class _Container(_Program):
    def __init__(self, name: str, pid: int, jailed: bool, log: output.LogFile, streams: list[output.Stream]) -> None:
        super().__init__(name, pid, jailed)
        self.log = log
        self.streams = streams

    def close(self) -> None:
        for stream in self.streams:
            stream.drain()
        self.log.close()


class Supervisor:
    """One pod's containers. Ids are the kubelet's; it never uses one twice."""

    def __init__(self, kubelet: socket.socket) -> None:
        self._kubelet = kubelet
        self._decoder = wire.Decoder()
        self._descriptors: list[int] = []  # received, in order, not yet asked for
        self._programs: dict[str, _Program] = {}
        self._streams: dict[int, output.Stream] = {}
        self._poll = select.poll()

    def run(self) -> None:
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._poll.register(woken, select.POLLIN)
        self._poll.register(self._kubelet, select.POLLIN)
        with suppress(EOFError, ConnectionError):
            while True:
                for descriptor, _ in self._poll.poll():
                    if descriptor == woken:
                        self._woken(os.read(woken, 4096))
                    elif descriptor == self._kubelet.fileno():
                        self._receive()
                    else:
                        self._read(descriptor)
        self._end_everything()

    def _read(self, descriptor: int) -> None:
        stream = self._streams.get(descriptor)  # none if its program's end was dealt with a moment ago
        if stream is not None and not stream.read():
            self._poll.unregister(descriptor)

    def _woken(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers:
            raise EOFError
        self._reap()

    def _receive(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._kubelet, 65536, 32)
        if not data:
            raise EOFError
        self._descriptors += descriptors
        for message in self._decoder.feed(data):
            getattr(self, "_do_" + message["do"])(message)

    def _tell(self, event: str, name: str, **fields: Any) -> None:
        self._kubelet.sendall(wire.encode({"event": event, "id": name, **fields}))

    def _do_start(self, message: Message) -> None:
        name = message["id"]
        pipes = [os.pipe(), os.pipe()]
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = output.LogFile(message["log"])
        streams = [output.Stream(*pair, log) for pair in zip(("stdout", "stderr"), (p[0] for p in pipes), strict=True)]
        try:
            pid = spawn.start(message, (nothing, pipes[0][1], pipes[1][1]))
        except OSError as error:
            for stream in streams:
                stream.drain()
            log.close()
            self._tell("failed", name, error=_describe(error, message["argv"][0]))
        else:
            self._programs[name] = _Container(name, pid, message["jail"] is not None, log, streams)
            for stream in streams:
                self._streams[stream.descriptor] = stream
                self._poll.register(stream.descriptor, select.POLLIN)
            self._tell("started", name, pid=pid)
        finally:
            for descriptor in (nothing, pipes[0][1], pipes[1][1]):
                os.close(descriptor)

    def _do_exec(self, message: Message) -> None:
        stdio = (self._descriptors.pop(0), self._descriptors.pop(0), self._descriptors.pop(0))
        name = message["id"]
        container = self._programs.get(message["container"])
        try:
            if not isinstance(container, _Container):
                raise ProcessLookupError(0, "the container is not running")
            pid = spawn.run_inside(message, container.pid, container.jailed, stdio)
        except OSError as error:
            self._tell("failed", name, error=_describe(error, message["argv"][0]))
        else:
            self._programs[name] = _Program(name, pid, container.jailed)
            self._tell("started", name, pid=pid)
        finally:
            for descriptor in stdio:
                os.close(descriptor)

    def _do_signal(self, message: Message) -> None:
        program = self._programs.get(message["id"])
        if program is not None:
            with suppress(ProcessLookupError):
                os.kill(program.pid, message["signal"])

    def _do_kill(self, message: Message) -> None:
        program = self._programs.get(message["id"])
        if program is not None:
            program.kill()

    def _reap(self) -> None:
        ended = {}
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                ended[pid] = status
        for program in [program for program in self._programs.values() if program.pid in ended]:
            del self._programs[program.name]
            if isinstance(program, _Container):
                self._forget(program)
            self._tell("ended", program.name, status=ended[program.pid])

    def _forget(self, container: _Container) -> None:
        for stream in container.streams:
            del self._streams[stream.descriptor]
            with suppress(KeyError):
                self._poll.unregister(stream.descriptor)
        container.close()

    def _end_everything(self) -> None:
        """Kill every descendant until there is none; orphans become our children and are found the next time round."""
        while True:
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            left = spawn.descendants(os.getpid())
            if not left:
                return
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            select.select([], [], [], 0.002)


def _describe(error: OSError, program: str) -> str:
    if isinstance(error, FileNotFoundError) and str(error.filename).endswith("/" + program):
        return f'exec: "{program}": executable file not found in $PATH'
    return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror or error)


def main() -> None:
    with socket.socket(fileno=0) as kubelet:
        Supervisor(kubelet).run()
