"""A pod is asked through the API server, on any cluster: its own errors are answers, the API server's are refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.base.waiting import wait_for
from muster.kube import ApiError, Change, Cluster
from muster.kube.proxied import is_refusal, port_named, proxied

# Answers a GET of /STATUS with that status and says what a POST brought; /hangs is never answered.
SERVER = """
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/hangs":
            time.sleep(60)
        self.say(int(self.path.partition("?")[0].strip("/") or 200), self.path.encode())
    def do_POST(self):
        self.say(201, self.headers["X-Mine"].encode() + self.rfile.read(int(self.headers["Content-Length"])))
    def say(self, status, body):
        self.send_response(status); self.send_header("X-Version", "5.2"); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
ThreadingHTTPServer((os.environ["POD_IP"], 8080), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def asked(cluster: Cluster) -> Iterator[str]:
    """The namespace of a pod `web` whose port 8080 is named `http`, and of a Service `web` on port 80."""
    namespace = "asked"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    variable = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {"name": "web", "image": "python:3.11-slim", "command": ["python3", "-c", SERVER], "env": [variable]}
    container |= {"ports": [{"name": "http", "containerPort": 8080}]}
    container |= {"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    metadata = {"name": "web", "labels": {"app": "web"}}
    wait_for(
        lambda: cluster.find("ServiceAccount", "default", namespace) is not None,
        within=10,
        reason="the namespace to be furnished",
    )
    cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, namespace)
    ports = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": ports}, namespace)

    def serves() -> bool:
        try:
            return cluster.ask_service("web", namespace, 80).ok
        except ApiError as error:
            assert error.code == 503, error
            return False

    wait_for(serves, within=40, reason="the pod to serve")
    yield namespace
    cluster.delete("Namespace", namespace)


def test_what_a_pod_answers_is_an_answer_whatever_its_status(cluster: Cluster, asked: str) -> None:
    for port in (8080, "http", None):
        answer = cluster.ask_pod("web", asked, port, "/503", query={"a": "b c"})
        assert (answer.status, answer.ok, answer.text) == (503, False, "/503?a=b+c")
        assert answer.headers["x-version"] == "5.2"
    assert cluster.ask_service("web", asked, None, "/404").status == 404


def test_what_the_api_server_refuses_is_raised(cluster: Cluster, asked: str) -> None:
    with pytest.raises(ApiError, match='pods "none" not found') as missing:
        cluster.ask_pod("none", asked, 8080)
    assert missing.value.code == 404
    with pytest.raises(ApiError, match="connection refused") as unreached:
        cluster.ask_pod("web", asked, 9)
    assert unreached.value.code == 503
    with pytest.raises(ClusterError, match=r"pod web has no port named 'metrics' \(there are: http\)"):
        cluster.ask_pod("web", asked, "metrics")


def test_a_pod_that_does_not_answer_in_time_is_named(cluster: Cluster, asked: str) -> None:
    with pytest.raises(ClusterError, match=r"^Pod/web, asked by way of the cluster of context .* does not answer"):
        cluster.ask_pod("web", asked, 8080, "/hangs", timeout=0.5)


def test_what_may_change_something_is_told_and_not_asked_where_one_only_looks(cluster: Cluster, asked: str) -> None:
    told: list[Change] = []
    observed = cluster.observed(told.append)
    observed.ask_pod("web", asked, 8080)
    answer = observed.ask_pod("web", asked, 8080, "/x", method="POST", headers={"X-Mine": "m"}, body=b"hello")
    assert (answer.status, answer.body) == (201, b"mhello")
    assert told == [Change("ask", "Pod/web")]
    assert cluster.looking().ask_pod("web", asked, 8080).ok
    with pytest.raises(RefusedError, match="only to be looked at"):
        cluster.looking().ask_service("web", asked, 80, "/x", method="POST")


@pytest.mark.parametrize("path", ["metrics", "", "/a?b=c", "/a#b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="must begin with '/'"):
        proxied("web", 80, path)


STATUS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 503}


@pytest.mark.parametrize(
    ("code", "body", "refusal"),
    [
        (503, STATUS, True),
        (502, STATUS, False),
        (200, {**STATUS, "code": 200}, False),
        (503, {"error": "unavailable"}, False),
        (503, ["Status"], False),
        (503, "no JSON", False),
    ],
)
def test_a_refusal_is_a_status_of_the_answers_own_code(code: int, body: Any, refusal: bool) -> None:
    content = body if body == "no JSON" else json.dumps(body)
    response = httpx.Response(code, content=content, headers={"Content-Type": "application/json"})
    assert is_refusal(response) is refusal
    assert not is_refusal(httpx.Response(code, content=content, headers={"Content-Type": "text/plain"}))


def test_a_port_is_found_by_its_name_in_any_container() -> None:
    ports = [{"containerPort": 1}, {"name": "metrics", "containerPort": 2}]
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b", "ports": ports}]}}
    assert port_named(pod, "metrics") == 2
    with pytest.raises(ClusterError, match="there are: metrics"):
        port_named(pod, "http")
