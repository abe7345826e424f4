"""The programs of the reference system as processes, and a Service that can be repointed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import yaml

from enhancer.settings import version_of
from enhancer_support.waiting import until


class Program:
    """`python -m enhancer NAME` on an address of its own."""

    def __init__(
        self,
        name: str,
        system: Path,
        *,
        address: str,
        database: str,
        directory: Path,
        settings: Mapping[str, object],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.url = f"http://{address}:8080"
        self.settings_file = directory / f"{name}-{address}.yaml"
        self.settings_file.write_text(yaml.safe_dump(dict(settings)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "enhancer", name],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(system),
                "POD_IP": address,
                "POD_NAME": f"{name}-{address}",
                "DB_SERVICE_HOST": database,
                "DB_PASSWORD": "secret",
                "ENHANCER_SETTINGS": str(self.settings_file),
                **(env or {}),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        self.name = f"{name}-{address}"

    def wait_ready(self) -> "Program":
        """Return when the readiness probe would succeed."""
        until(f"{self.name} ready", lambda: self.exited() or self.probe("/readyz") == 200)
        assert not self.exited(), self.stderr()
        return self

    def probe(self, path: str) -> int | None:
        """The status of a GET, None if there is no answer."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.url + path, timeout=2).status_code
        return None

    def status(self) -> dict[str, Any]:
        """What /status says."""
        found: dict[str, Any] = httpx.get(f"{self.url}/status").json()
        return found

    def configure(self, **settings: object) -> None:
        """Change the settings, as a ConfigMap's volume does; return when they are in force."""
        new, text = self.settings_file.with_suffix(".new"), yaml.safe_dump(settings)
        new.write_text(text)
        new.rename(self.settings_file)
        told = f'enhancer_settings_info{{version="{version_of(text.encode())}"}}'
        until(f"new settings of {self.name}", lambda: told in httpx.get(f"{self.url}/metrics").text)

    def freeze(self) -> None:
        """Hang: it is silent, and its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def exited(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def wait_exit(self) -> int:
        """The exit status."""
        return self._process.wait(20)

    def stderr(self) -> str:
        """What the ended process wrote to its log."""
        assert self._process.stderr is not None
        return self._process.stderr.read()

    def kill(self) -> None:
        """Strike without grace."""
        self._process.kill()
        self._process.wait(20)

    def terminate(self) -> None:
        """Ask to leave, as Kubernetes does."""
        self._process.terminate()

    def stop(self) -> None:
        """Leave nothing behind."""
        self.kill()
        if self._process.stderr:
            self._process.stderr.close()


class Service:
    """A TCP forwarder on port 5432: new connections go to `target`, those that are open stay where they are."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.target: str | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Service":
        self._thread.start()
        started = asyncio.start_server(self._forward, self.address, 5432)
        self._server = asyncio.run_coroutine_threadsafe(started, self._loop).result(5)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        async def close() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
            if self.target is None:
                return
            upstream_reader, upstream_writer = await asyncio.open_connection(self.target, 5432)
            with contextlib.closing(upstream_writer):
                async with asyncio.TaskGroup() as group:
                    one = group.create_task(_copy(reader, upstream_writer))
                    other = group.create_task(_copy(upstream_reader, writer))
                    await asyncio.wait((one, other), return_when=asyncio.FIRST_COMPLETED)
                    one.cancel()
                    other.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
