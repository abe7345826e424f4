"""What muster's load generator costs: the requests/s that it reaches against those of plain Locust, in one run.

Both are one Locust process that asks for the same small document of the same server, as fast as it can: a plain
`FastHttpUser` in a closed loop, and muster's open loop, asked for more than it can reach, with every request on a
timeline. The two take turns, so that a machine that grows busier is busier for both.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

from muster.base.timeline import Timeline, read_timeline

PLAIN = """
from locust import FastHttpUser, constant, task

class Plain(FastHttpUser):
    wait_time = constant(0)
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
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"answer": "y"}'
USERS = 20
OFFERED = 20_000.0  # requests/s, more than one process can ask


class _Server(asyncio.Protocol):
    """Answers each request, as cheaply as can be: the generators are what is measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's, which does not derive from it

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


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


def plain(url: str, seconds: float, scratch: Path) -> float:
    """Requests/s that plain Locust reaches."""
    file = scratch / "plain.py"
    file.write_text(PLAIN)
    command = [*locust(file, url), "-u", str(USERS), "-r", str(USERS), "-t", f"{seconds:g}s", "--only-summary"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=scratch)
    found = re.search(r"Aggregated\s+(\d+)", said.stdout + said.stderr)
    assert found, said.stderr
    return int(found[1]) / seconds


def open_loop(url: str, seconds: float, scratch: Path) -> float:
    """Requests/s that muster's generator reaches, counted on its timeline."""
    file, timeline = scratch / "open.py", scratch / f"open-{time.monotonic_ns()}.jsonl"
    file.write_text(OPEN)
    Timeline.start(timeline, run="bench", drill="bench").close()
    command = [*locust(file, url), "-u", "1", "-r", "1", "-t", f"{seconds:g}s", "--only-summary"]
    command += ["--rate", repr(OFFERED), "--timeline", str(timeline), "--loglevel", "ERROR"]
    subprocess.run(command, capture_output=True, text=True, check=True, cwd=scratch)
    done = sorted(e["done"] for e in read_timeline(timeline) if e["kind"] == "request" and e["outcome"] == "ok")
    timeline.unlink()
    return len(done) / (done[-1] - done[0])


def locust(file: Path, url: str) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--host", url]


def overhead(turns: int = 3, seconds: float = 8.0) -> tuple[float, float]:
    """(plain Locust's requests/s, muster's requests/s), medians of so many turns each."""
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    found: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name, server() as url:
        for _ in range(turns):
            found[0].append(plain(url, seconds, Path(name)))
            found[1].append(open_loop(url, seconds, Path(name)))
    return statistics.median(found[0]), statistics.median(found[1])
