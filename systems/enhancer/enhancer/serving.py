"""An HTTP server on the pod's own address that leaves in good order."""

import asyncio
import os
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enhancer.settings import SettingsError
from enhancer.version import HEADER, version


class Server(uvicorn.Server):
    """uvicorn that goes on serving for `drain_s` seconds after SIGTERM, telling clients to come back anew."""

    def __init__(self, app: ASGIApp, port: int, drain_s: float, on_drain: Callable[[], None]) -> None:
        self.draining = False
        self._drain_s = drain_s
        self._on_drain = on_drain
        self._loop = asyncio.get_running_loop()
        super().__init__(
            uvicorn.Config(
                self._closing_connections(app),
                host=os.environ.get("POD_IP", "0.0.0.0"),  # noqa: S104 (a container's own network)
                port=port,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                date_header=False,
                headers=[(HEADER, version())],
                timeout_graceful_shutdown=2,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's signature)
        """Drain at the first signal, end at once at the second.

        uvicorn's own would raise the signal again when the server has ended, and what the program does after
        that would be lost.
        """
        if self.draining:
            self.should_exit = self.force_exit = True
        else:
            self.draining = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._on_drain()
        self._loop.call_later(self._drain_s, setattr, self, "should_exit", True)

    def _closing_connections(self, app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            async def closing(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)["connection"] = "close"
                await send(message)

            await app(scope, receive, closing if self.draining else send)

        return served


def port_from_environment() -> int:
    """PORT, 8080 if it is not set; raises SettingsError."""
    text = os.environ.get("PORT", "8080")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsError(f"PORT is {text!r}, must be a port number from 1 to 65535")
    return int(text)
