"""What muster's load generator costs: processor time for each request, beside that of plain Locust.

Both are one Locust process that asks the same server for the same small document at the same rate, over connections
that it keeps: a plain `FastHttpUser` for each of 20 people, and muster's open loop with every request on a timeline.
Requests per second would tell of the machine, which others use as well; the processor time that a process took for
them does so much less. The two take turns, each pair is one comparison, and how far the pairs lie apart is told.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from muster.base.timeline import Timeline

PLAIN = """
from locust import FastHttpUser, constant_throughput, task

class Plain(FastHttpUser):
    wait_time = constant_throughput({each})
    network_timeout = connection_timeout = 2.0

    @task
    def read(self):
        with self.client.get("/document", catch_response=True) as answer:
            assert answer.status_code == 200
"""

OPEN = """
from locust import task
from muster.load.openloop import OpenLoopUser

class Open(OpenLoopUser):
    renew_after = 1_000_000  # as plain Locust, which keeps its connections

    @task
    def read(self):
        with self.rest("GET", "/document"):
            pass
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
ANSWER = HEAD % 15 + b'{"answer": "y"}'
COUNT = "/count"  # how many were answered
USERS = 20
RATE = 1000.0  # requests/s, which either can do with half a processor
WARM = 500  # requests before it is measured


@dataclass(frozen=True, slots=True)
class Overhead:
    """Processor time for a request in microseconds, of each pair: (plain Locust's, muster's)."""

    pairs: list[tuple[float, float]]

    @property
    def plain(self) -> float:
        return statistics.median(plain for plain, _ in self.pairs)

    @property
    def ours(self) -> float:
        return statistics.median(ours for _, ours in self.pairs)

    @property
    def percent(self) -> list[float]:
        """How much more muster took in each pair, sorted; below 0 it took less."""
        return sorted(100 * (ours / plain - 1) for plain, ours in self.pairs)


class _Server(asyncio.Protocol):
    """Answers each request, as cheaply as can be: the generators are what is measured."""

    answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's, which does not derive from it

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /count"):
            said = str(_Server.answered).encode()
            self._transport.write(HEAD % len(said) + said)
            return
        number = data.count(b"\r\n\r\n")
        _Server.answered += number
        self._transport.write(ANSWER * number)


def serve() -> None:
    """Serve on a free port of 127.0.0.1, printed first, until SIGTERM."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        await stopped.wait()

    uvloop.run(run())


@contextmanager
def server() -> Iterator[str]:
    command = [sys.executable, "-c", "from bench.overhead import serve; serve()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def answered(url: str) -> int:
    """How many requests the server has answered."""
    with urllib.request.urlopen(url + COUNT) as answer:
        return int(answer.read())


def processor_s(pid: int) -> float:
    """The processor time that a process has taken, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(command: list[str], url: str, seconds: float, scratch: Path) -> float:
    """Processor time in microseconds that a generator takes for a request, its start left out."""
    quiet = subprocess.DEVNULL
    begun = answered(url)
    with subprocess.Popen(command, cwd=scratch, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            deadline = time.monotonic() + 60
            while answered(url) < begun + WARM:
                assert process.poll() is None, f"{command} ended"
                assert time.monotonic() < deadline, f"{command} does not ask"
                time.sleep(0.1)
            number, taken = answered(url), processor_s(process.pid)
            time.sleep(seconds)
            return 1e6 * (processor_s(process.pid) - taken) / (answered(url) - number)
        finally:
            process.terminate()


def plain(url: str, seconds: float, scratch: Path) -> float:
    """What plain Locust takes for a request, in microseconds."""
    file = scratch / "plain.py"
    file.write_text(PLAIN.format(each=RATE / USERS))
    return cost([*locust(file, url), "-u", str(USERS), "-r", str(USERS)], url, seconds, scratch)


def open_loop(url: str, seconds: float, scratch: Path) -> float:
    """What muster's generator takes for a request, in microseconds."""
    file, timeline = scratch / "open.py", scratch / f"open-{time.monotonic_ns()}.jsonl"
    file.write_text(OPEN)
    Timeline.start(timeline, run="bench", drill="bench").close()
    command = [*locust(file, url), "-u", "1", "-r", "1", "--rate", repr(RATE), "--timeline", str(timeline)]
    try:
        return cost(command, url, seconds, scratch)
    finally:
        timeline.unlink()


def locust(file: Path, url: str) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary", "--host", url]


def overhead(pairs: int = 5, seconds: float = 6.0) -> Overhead:
    """So many pairs, each generator measured for so many seconds in each."""
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name, server() as url:
        measured = [(plain(url, seconds, Path(name)), open_loop(url, seconds, Path(name))) for _ in range(pairs)]
    return Overhead(measured)
