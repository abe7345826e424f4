"""What containers print, written to log files in the form that kubelets use.

One line of output is one line of the file: `TIME STREAM TAG TEXT`, TIME in RFC 3339 with nanoseconds, TAG `F` for a
whole line and `P` for a piece of one that was too long or had no end when the program ended.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

MAX_PIECE = 16 * 1024
MAX_FILE = 10 * 1024 * 1024  # a kubelet's default containerLogMaxSize; one older file is kept


def stamp(nanoseconds: int) -> bytes:
    """A time since the epoch as RFC 3339, UTC, with nanoseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z").encode()


class LogFile:
    """The log of one run of a container; `PATH.1` is its older part once it has grown too long."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = _open(path)
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add to the log. What a full disk does not take is lost: the pod goes on, as on a real node."""
        with suppress(OSError):
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._size and self._size + len(data) > MAX_FILE:
            os.close(self._file)
            os.replace(self._path, self._path + ".1")
            self._file = _open(self._path)
            self._size = 0
        os.write(self._file, data)
        self._size += len(data)

    def close(self) -> None:
        os.close(self._file)


class Stream:
    """One of a container's two outputs: the pipe's reading end, cut into lines."""

    def __init__(self, name: str, descriptor: int, log: LogFile) -> None:
        self.descriptor = descriptor
        self._name = name.encode()
        self._log = log
        self._rest = b""
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Take what is there; False at the end of the output."""
        try:
            data = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return True
        if data:
            self._take(data)
        return bool(data)

    def drain(self) -> None:
        """Take all that is there, and the last line even without its end; close the pipe."""
        while True:
            try:
                data = os.read(self.descriptor, 65536)
            except BlockingIOError:
                break
            if not data:
                break
            self._take(data)
        if self._rest:
            self._log.write(self._line(b"P", self._rest))
            self._rest = b""
        os.close(self.descriptor)

    def _take(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        out = []
        for line in lines:
            *pieces, last = _cut(line)
            out += [self._line(b"P", piece) for piece in pieces]
            out.append(self._line(b"F", last))
        *pieces, self._rest = _cut(rest)
        out += [self._line(b"P", piece) for piece in pieces]
        if out:
            self._log.write(b"".join(out))

    def _line(self, tag: bytes, text: bytes) -> bytes:
        return b"%s %s %s %s\n" % (stamp(time.time_ns()), self._name, tag, text)


def _cut(line: bytes) -> list[bytes]:
    """The pieces of a line, none too long; at least one."""
    return [line[at : at + MAX_PIECE] for at in range(0, len(line), MAX_PIECE)] or [b""]


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
