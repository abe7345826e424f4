"""An outage is there when no pod is left and nobody answers, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from muster.base.errors import RefusedError
from muster.faults.effects import PodsGone, build_observer
from muster.kube import Cluster

EFFECT = PodsGone(kind="pods-gone", labels="tier in (front, back)", path="/status")


class Unwell(BaseHTTPRequestHandler):
    """Answers, though with a failure."""

    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Unwell) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pods(cluster: Cluster, namespace: str) -> list[str]:
    for name in ("front", "back"):
        container = {"name": "main", "image": "python:3.11-slim", "command": ["sleep", "1000"]}
        body = {"metadata": {"name": name, "labels": {"tier": name}}, "spec": {"containers": [container]}}
        cluster.create({"apiVersion": "v1", "kind": "Pod", **body}, namespace)
    return ["front", "back"]


def url_of(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_all_is_gone_when_no_pod_is_left_and_nobody_answers_not_even_wrongly(
    cluster: Cluster, namespace: str, pods: list[str], server: ThreadingHTTPServer
) -> None:
    observer = build_observer(EFFECT, cluster, namespace, url_of(server))
    cluster.delete("Pod", pods[0], namespace, grace_s=0)
    assert observer.look() == (False, "1 pods tier in (front, back) are there, back for one")
    cluster.delete("Pod", pods[1], namespace, grace_s=0)
    assert observer.look() == (False, "no pod tier in (front, back) is left, but the service answers 503")
    server.shutdown()
    server.server_close()
    assert observer.look() == (True, "all 2 pods tier in (front, back) gone, the service: Connection refused")


def test_what_is_down_already_is_refused(cluster: Cluster, namespace: str, server: ThreadingHTTPServer) -> None:
    with pytest.raises(RefusedError, match=r"no pod is labelled tier in \(front, back\), before anything was injected"):
        build_observer(EFFECT, cluster, namespace, url_of(server))


@pytest.mark.usefixtures("pods")
def test_a_service_that_is_silent_already_is_refused(cluster: Cluster, namespace: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Unwell) as closed:
        url = url_of(closed)
    with pytest.raises(RefusedError, match=rf"{url} does not answer before any injection \(Connection refused\)"):
        build_observer(EFFECT, cluster, namespace, url)
