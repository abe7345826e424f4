"""A message queue of the tests' own, spoken to over TCP in lines: what a ledger class may have to do with."""

from __future__ import annotations

import socketserver
import threading
from collections import defaultdict
from types import TracebackType
from typing import Self


class QueueServer:
    """`PUT id text` answers OK, or FULL; `FIND id` the texts under an id; `DROP id` OK. A context manager.

    `full` refuses what is put; `forgetful` acknowledges and keeps nothing; while `flowing` is not set nothing is
    answered; `dead` closes each connection at its first request.
    """

    def __init__(self) -> None:
        self.kept: dict[str, list[str]] = defaultdict(list)
        self.full = self.forgetful = self.dead = False
        self.flowing = threading.Event()
        self.flowing.set()
        self.connections = 0
        queue = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                queue.connections += 1
                for line in self.rfile:
                    if queue.dead or (answer := queue.answer(line.decode().split())) is None:
                        return
                    try:
                        self.wfile.write(f"{answer}\n".encode())
                    except OSError:
                        return  # whoever asked has given up

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def answer(self, words: list[str]) -> str | None:
        self.flowing.wait()
        match words:
            case ["PUT", identity, text]:
                if not self.full and not self.forgetful:
                    self.kept[identity].append(text)
                return "FULL" if self.full else "OK"
            case ["FIND", identity]:
                return " ".join(self.kept.get(identity, []))
            case ["DROP", identity]:
                self.kept.pop(identity, None)
                return "OK"
        return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flowing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
