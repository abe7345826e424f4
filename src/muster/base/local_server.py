"""An HTTP server on loopback that is started, ended and started again on the same port: what test servers share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self


class LocalServer(ABC):
    """The server, on a free port of loopback. A context manager. From a `stop` to the next `start` it has `ended`."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @abstractmethod
    def _serving(self, port: int) -> ThreadingHTTPServer:
        """What answers, on a port; 0 is any that is free."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after a `stop` on the same port again."""
        self.ended.clear()
        self._server = self._serving(self._port)
        self._port = self._server.server_port
        # Looked at this often, it notices a `stop` soon.
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Close the port: whoever asks is refused. May be called again."""
        self.ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
