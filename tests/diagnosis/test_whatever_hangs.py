"""There is a snapshot in time whatever the API server does, and what is not in it is named."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from muster.base.background import Background
from muster.base.clock import now
from muster.base.errors import UsageError
from muster.diagnosis import diagnose
from muster.kube import connect
from muster.snapshot.gather import gather

SILENT, DRIPPING, DYING = b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"


def kubeconfig_of(directory: Path, port: int) -> Path:
    path = directory / "kubeconfig"
    path.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}], "
        f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], users: [{{name: c, user: {{}}}}]}}"
    )
    return path


@pytest.fixture
def kubeconfig(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Leads to a server that begins each answer so and, unless it dies, keeps the connection and drips."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(0.1)
        held, over = list[socket.socket](), threading.Event()

        def serve() -> None:
            while not over.wait(0.05):
                try:
                    connection, _ = listener.accept()
                    connection.sendall(request.param)
                    held.append(connection)
                except TimeoutError:
                    pass
                for one in held:
                    if request.param == DYING:
                        one.close()
                    elif request.param == DRIPPING:
                        with suppress(OSError):  # whoever asked may have gone
                            one.sendall(b" ")

        path = kubeconfig_of(tmp_path, listener.getsockname()[1])
        with Background(serve, name="a server that hangs"):
            yield path
            over.set()
        for one in held:
            one.close()


@pytest.mark.parametrize("kubeconfig", [SILENT, DRIPPING, DYING], indirect=True, ids=["silent", "dripping", "dying"])
def test_what_hangs_is_left_behind(kubeconfig: Path) -> None:
    began = now()
    snapshot = gather(lambda: connect(kubeconfig), namespace="shop", within=1.0)
    assert now() - began < 30
    diagnosis = diagnose(snapshot)
    assert diagnosis.exit_code == 2
    assert {"cluster", "Pod", "check pods"} <= {one.what for one in diagnosis.unknown}


class Polite(BaseHTTPRequestHandler):
    """Answers everything, and is no API server."""

    answer = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("answer", [b"{}", b"<html>", b"[]", b'{"items": {}}', b'{"kind": "Status"}', b"null", b""])
def test_what_is_no_api_server_says_nothing_of_a_system(answer: bytes, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Polite,), {"answer": answer}))
    with closing(server.socket), Background(lambda: server.serve_forever(0.01), name="a polite server"):
        path = kubeconfig_of(tmp_path, server.server_port)
        diagnosis = diagnose(gather(lambda: connect(path), namespace="shop", within=10))
        server.shutdown()
    assert (diagnosis.exit_code, diagnosis.causes) == (2, ())
    assert {"Pod", "Namespace", "check pods"} <= {one.what for one in diagnosis.unknown}


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'--within 31' is no time for a diagnosis"):
        gather(lambda: connect(Path()), namespace="shop", within=31)
