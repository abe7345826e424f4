"""A headless Chromium, driven by its DevTools protocol: just enough to open a page and ask what became of it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

from muster.base.process import Child
from muster.base.waiting import wait_for

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-allow-origins=*",
    "--remote-debugging-port=0",
    "--window-size=1440,1000",
]
WITHIN_S = 180.0  # a limit for what hangs; pages take long where the machine does much besides


def chromium() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def chromium_or_skip() -> str:
    """The same; where there is none the test is skipped, unless CI or MUSTER_BROWSER=required says that one must be."""
    if program := chromium():
        return program
    missing = f"none of {', '.join(NAMES)} is on PATH, so nobody has looked at the page"
    if os.environ.get("CI") or os.environ.get("MUSTER_BROWSER") == "required":
        pytest.fail(f"{missing}; right would be: apt-get install chromium")
    pytest.skip(missing)


class Page:
    """One tab. `complaints` are errors of the console and uncaught exceptions, `asked` the addresses it requested."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=WITHIN_S)
        self._number = 0
        self.complaints: list[str] = []
        self.asked: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; what the page tells meanwhile is noted."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message.get("method", ""), message.get("params", {}))

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"].get("exception", told["exceptionDetails"])))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            self.complaints.append(str(told["args"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true, and return its value."""
        found: list[Any] = []

        def look() -> bool:
            found[:] = [self.evaluate(expression)]
            return bool(found[0])

        wait_for(look, within=WITHIN_S, every=0.1, reason=f"the page: {expression}")
        return found[0]

    def screenshot(self, path: Path) -> None:
        """What is to be seen, as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        self._socket.close()


@contextmanager
def browse(program: str) -> Iterator[Page]:
    """A page of a new browser with a new profile; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="muster-chromium-", ignore_cleanup_errors=True) as profile:
        port = Path(profile) / "DevToolsActivePort"
        with Child([program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]):
            wait_for(
                lambda: port.is_file() and "\n" in port.read_text(), within=WITHIN_S, every=0.05, reason="Chromium"
            )
            number = port.read_text().split()[0]
            page = Page(_first_tab(number))
            try:
                yield page
            finally:
                page.close()


def _first_tab(port: str) -> str:
    import httpx

    tabs = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
