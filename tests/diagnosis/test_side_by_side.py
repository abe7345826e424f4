"""What takes long is waited for at once, and other things are done meanwhile: shown by servers that insist on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.diagnosis.test_whatever_hangs import kubeconfig_of

from muster.base.background import Background
from muster.base.errors import ClusterError
from muster.kube import Cluster, connect
from muster.snapshot.gather import gather
from muster.system import read_system

PROBES = 12
GIVEN_UP_S = 10.0  # a server's patience with a client that does not do its part
SYSTEM = f"""\
schema: muster/system/v1
name: shop
namespace: shop
service: {{name: web, port: 8080, url: URL}}
read: {{request: {{path: /items}}}}
probes:
{"".join(f"  - {{name: p{number}, request: {{path: /probe/{number}}}, expect: {{ok: true}}, limit_s: 30}}{chr(10)}" for number in range(PROBES))}
"""


class Server(ThreadingHTTPServer):
    request_queue_size = 64  # all that are asked at once are let in at once


@contextmanager
def serving(answer: Callable[[str], tuple[int, object]]) -> Iterator[int]:
    """A server that answers each path as it is told, on this port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answer(self.path.partition("?")[0])
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with (
        Server(("127.0.0.1", 0), Handler) as server,
        Background(lambda: server.serve_forever(0.01), name="a server"),
    ):
        try:
            yield server.server_port
        finally:
            server.shutdown()


def nowhere() -> Cluster:
    raise ClusterError("it is down")


def test_what_a_system_has_asked_is_asked_at_once_and_none_waits_for_another(tmp_path: Path) -> None:
    """No probe is answered before all are asked: a few at a time would wait for ever."""
    together = threading.Barrier(PROBES)

    def answer(path: str) -> tuple[int, object]:
        if path.startswith("/probe/"):
            try:
                together.wait(GIVEN_UP_S)
            except threading.BrokenBarrierError:
                return 503, {}
        return 200, {"ok": True}

    (tmp_path / "manifests").mkdir()
    with serving(answer) as port:
        (tmp_path / "system.yaml").write_text(SYSTEM.replace("URL", f"http://127.0.0.1:{port}"))
        snapshot = gather(nowhere, read_system(tmp_path), within=30)
    found = {name: said for name, said in snapshot.answers.items() if name.startswith("probe")}
    assert found == {f"probe p{number}": {"trouble": ""} for number in range(PROBES)}


def test_what_needs_no_answer_is_done_while_metrics_are_measured(tmp_path: Path) -> None:
    """The server lists nothing before it was asked for metrics, and has these only once the other work is done."""
    asked, done = threading.Event(), threading.Event()

    def answer(path: str) -> tuple[int, object]:
        if path == "/version":
            return 200, {"gitVersion": "v1.36.0"}
        if "metrics.k8s.io" in path:
            asked.set()
            return (200, {"items": []}) if done.wait(GIVEN_UP_S) else (503, {})
        return (200, {"items": []}) if asked.wait(GIVEN_UP_S) else (503, {})

    with serving(answer) as port:
        kubeconfig = kubeconfig_of(tmp_path, port)
        snapshot = gather(lambda: connect(kubeconfig), namespace="shop", within=30, meanwhile=done.set)
    assert (snapshot.answers, snapshot.missing) == ({"metrics": {"nodes": [], "pods": []}}, ())
