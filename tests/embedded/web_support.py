"""An HTTP server that says who it is, and a client on a connection of its own."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8080


class Handler(BaseHTTPRequestHandler):
    """Says who answers, and repeats what it was asked."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        told = {
            "who": self.server.server_address[0],
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "size": len(body),
        }
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("X-Who", str(told["who"]))
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (answer[:10], answer[10:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - as the base class has it

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def web(address: str) -> Iterator[ThreadingHTTPServer]:
    """An HTTP server at an address; `connections` counts those that it has had."""
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer((address, PORT), Handler)
    server.daemon_threads = True
    server.connections = 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connect(address: str, port: int = PORT) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address, port, timeout=10)


def ask(connection: http.client.HTTPConnection, path: str = "/", method: str = "GET", **more: Any) -> tuple[int, Any]:
    """The status and the answer: what the server was told, or text."""
    connection.request(method, path, **more)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, json.loads(body) if body[:1] == b"{" else body.decode()
