"""Programs that are started inside a running container: `kubectl exec`, exec probes, hooks."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Callable
from typing import Any

from muster.embedded.node.launcher import Command, Running, Supervisor
from muster.embedded.node.state import exit_code


def _settle(able: asyncio.Future[None]) -> None:
    if not able.done():
        able.set_result(None)


class _End:
    """Our end of a pipe or terminal."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""
        while self.descriptor >= 0:
            try:
                return os.read(self.descriptor, 65536)
            except BlockingIOError:
                await self._wait(asyncio.get_running_loop().add_reader, asyncio.get_running_loop().remove_reader)
            except OSError:  # EIO: nobody has the terminal open any more
                break
        return b""

    def read_now(self) -> bytes:
        """What is there without waiting."""
        found = b""
        try:
            while data := os.read(self.descriptor, 65536):
                found += data
        except OSError:
            pass  # nothing more at present
        return found

    async def write(self, data: bytes) -> None:
        """Raises `BrokenPipeError` when nobody reads."""
        while data and self.descriptor >= 0:
            try:
                data = data[os.write(self.descriptor, data) :]
            except BlockingIOError:
                await self._wait(asyncio.get_running_loop().add_writer, asyncio.get_running_loop().remove_writer)

    def close(self) -> None:
        if self.descriptor >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.descriptor)
            loop.remove_writer(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1

    async def _wait(self, add: Callable[..., Any], remove: Callable[[int], Any]) -> None:
        able: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        descriptor = self.descriptor
        add(descriptor, _settle, able)
        try:
            await able
        finally:
            if self.descriptor == descriptor:
                remove(descriptor)


_Ends = tuple[_End | None, _End, _End | None]  # of standard input, output, error output


class InsideProcess:
    """A program inside a container, as `contracts.ExecProcess` wants it."""

    def __init__(self, supervisor: Supervisor, running: Running, ends: _Ends, *, tty: bool) -> None:
        self._supervisor = supervisor
        self._running = running
        self._stdin, self._stdout, self._stderr = ends
        self._tty = tty

    async def read_stdout(self) -> bytes:
        return await self._stdout.read()

    async def read_stderr(self) -> bytes:
        return await self._stderr.read() if self._stderr else b""

    async def write_stdin(self, data: bytes) -> None:
        if self._stdin is None:
            return
        if not data and not self._tty:
            self._stdin.close()
            return
        try:
            await self._stdin.write(data or b"\x04")  # end of file, as one types it
        except OSError:
            self._stdin.close()  # the program reads no more, which is its own affair

    def resize(self, width: int, height: int) -> None:
        if self._tty and self._stdout.descriptor >= 0:
            fcntl.ioctl(self._stdout.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def wait(self) -> int:
        return exit_code(await asyncio.shield(self._running.ended))[0]

    async def output(self) -> bytes:
        """All that it has printed, once it has ended. What it left behind in the background is not waited for."""
        ended = asyncio.ensure_future(asyncio.shield(self._running.ended))
        found = b""
        while not ended.done():
            piece = asyncio.ensure_future(self._stdout.read())
            await asyncio.wait((piece, ended), return_when=asyncio.FIRST_COMPLETED)
            if not piece.done():
                piece.cancel()
                break
            if not piece.result():
                break
            found += piece.result()
        await ended
        return found + self._stdout.read_now()

    async def close(self) -> None:
        if not self._running.ended.done():
            self._supervisor.kill(self._running)
        for end in (self._stdin, self._stdout, self._stderr):
            if end is not None:
                end.close()


async def start(
    supervisor: Supervisor, container: Running, command: Command, *, stdin: bool, tty: bool, merged: bool = False
) -> InsideProcess:
    """Start a program in the container; with `merged` its errors go where its output goes. The caller closes it.

    Raises:
        StartError: it cannot be started.
    """
    ends, stdio = _terminal() if tty else _pipes(stdin=stdin, merged=merged)
    try:
        running = await supervisor.exec(container, command, stdio, tty=tty)
    except BaseException:
        for end in ends:
            if end is not None:
                end.close()
        raise
    finally:
        for descriptor in set(stdio):
            os.close(descriptor)
    return InsideProcess(supervisor, running, ends, tty=tty)


def _terminal() -> tuple[_Ends, tuple[int, int, int]]:
    ours, theirs = pty.openpty()
    return (_End(os.dup(ours)), _End(ours), None), (theirs, theirs, theirs)


def _pipes(*, stdin: bool, merged: bool) -> tuple[_Ends, tuple[int, int, int]]:
    source, sink = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), -1)
    output, output_sink = os.pipe()
    errors, errors_sink = (-1, output_sink) if merged else os.pipe()
    ends = (_End(sink) if stdin else None, _End(output), None if merged else _End(errors))
    return ends, (source, output_sink, errors_sink)


async def capture(supervisor: Supervisor, container: Running, command: Command, within: float) -> tuple[int, str]:
    """Run a program in the container: (exit code, what it printed).

    Raises:
        StartError: it cannot be started.
        TimeoutError: it had not ended after `within` seconds; it is killed.
    """
    process = await start(supervisor, container, command, stdin=False, tty=False, merged=True)
    try:
        async with asyncio.timeout(within):
            output = await process.output()
            return await process.wait(), output.decode(errors="replace")
    finally:
        await process.close()
