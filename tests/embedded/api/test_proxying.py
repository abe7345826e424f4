"""Requests that the API server passes on to pods and Services, as a real one does: what a pod is told, what its client
gets back, and who may ask."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded_support import Running, running_cluster

from muster.base.waiting import wait_for
from muster.kube import Call, read_calls

PORT = 8080
# Answers with what it was asked; a few paths have it misbehave.
ECHO = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self.pieces()
        path = self.path.partition("?")[0]
        if path == "/silent":
            self.close_connection = True
            return
        if path == "/broken":
            self.send_response(200); self.send_header("Content-Length", "1000"); self.end_headers()
            self.wfile.write(b"a part"); self.close_connection = True
            return
        if path == "/drops":
            self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
            self.wfile.write(b"5\\r\\nfirst\\r\\n"); self.wfile.flush(); time.sleep(60)
            return
        said = {"method": self.command, "path": self.path, "body": len(body), "begins": body[:20].decode(),
                "headers": sorted((name.lower(), value) for name, value in self.headers.items())}
        answer = json.dumps(said).encode()
        status = int(path[8:]) if path.startswith("/status/") else 200
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Hop", "dropped"); self.send_header("Connection", "x-hop")
        self.send_header("Set-Cookie", "a=1"); self.send_header("Set-Cookie", "b=2")
        if path == "/moved":
            self.send_header("Location", "/there/?x=1")
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(answer)
    def pieces(self):
        found = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while length := int(self.rfile.readline(), 16):
                found += self.rfile.read(length); self.rfile.readline()
            self.rfile.readline()
        return found
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer
    def log_message(self, *_): pass
ThreadingHTTPServer((os.environ["POD_IP"], int(sys.argv[1])), Handler).serve_forever()
"""


def pod_of(name: str, **more: Any) -> dict[str, Any]:
    variable = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {"name": "echo", "image": "python:3.11-slim", "command": ["python3", "-c", ECHO, str(PORT)]}
    container |= {"env": [variable], "ports": [{"name": "http-api", "containerPort": PORT}], **more}
    container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"metadata": {"name": name, "labels": {"app": "echo"}}, "spec": spec}


def serve(cluster: Running, namespace: str) -> None:
    """A pod `echo`, a Service `echo` whose port has no name, and `named`, whose port has one."""
    path = f"/api/v1/namespaces/{namespace}"
    assert cluster.call("POST", f"{path}/pods", pod_of("echo"))[0] == 201
    for name, port in (("echo", {"port": 80}), ("named", {"port": 81, "name": "web"})):
        spec = {"selector": {"app": "echo"}, "ports": [{**port, "targetPort": PORT}]}
        assert cluster.call("POST", f"{path}/services", {"metadata": {"name": name}, "spec": spec})[0] == 201
    wait_for(
        lambda: cluster.client.get(f"{path}/services/echo/proxy/").status_code == 200,
        within=40,
        reason="the pod to serve",
    )


@pytest.fixture(scope="module")
def base(cluster: Running) -> Iterator[str]:
    """The path of a namespace in which a pod echoes."""
    path = "/api/v1/namespaces/proxied"
    assert cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "proxied"}})[0] == 201
    wait_for(
        lambda: cluster.call("GET", f"{path}/serviceaccounts/default")[0] == 200,
        within=10,
        reason="a furnished namespace",
    )
    serve(cluster, "proxied")
    yield path
    cluster.call("DELETE", path)


def headers_of(said: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in said["headers"]:
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_each_method_reaches_the_pod_with_path_query_and_body(cluster: Running, base: str, method: str) -> None:
    path = f"{base}/pods/echo:{PORT}/proxy/some/%2Fpath/?a=1&b=%20x&watch=1"
    content = None if method in ("GET", "OPTIONS") else b"hello"
    answer = cluster.client.request(method, path, content=content)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["method"], said["path"]) == (method, "/some/%2Fpath/?a=1&b=%20x&watch=1")
    assert said["begins"] == ("hello" if content else "")


@pytest.mark.parametrize(
    "way",
    ["pods/echo", "pods/echo:8080", "pods/http:echo:8080", "pods/http:echo:", "services/echo", "services/echo:80",
     "services/named:81", "services/named:web", "services/http:named:web"],
)  # fmt: skip
def test_a_port_is_a_number_a_name_or_the_default(cluster: Running, base: str, way: str) -> None:
    assert cluster.client.get(f"{base}/{way}/proxy/x").json()["path"] == "/x"


@pytest.mark.parametrize(
    ("way", "code", "message"),
    [
        ("pods/none", 404, 'pods "none" not found'),
        ("services/none:80", 404, 'services "none" not found'),
        ("pods/ftp:echo:21", 400, 'invalid pod request "ftp:echo:21"'),
        ("services/a:b:c:d", 400, 'invalid service request "a:b:c:d"'),
        ("services/echo:99", 503, 'no service port 99 found for service "echo"'),
        ("services/echo:other", 503, 'no endpoints available for service "echo:other"'),
        ("services/named", 503, 'no endpoints available for service "named"'),
        ("pods/echo:http-api", 503, "error trying to reach service: dial tcp: lookup tcp/http-api: unknown port"),
        ("pods/echo:65536", 503, "error trying to reach service: dial tcp: address 65536: invalid port"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(
    cluster: Running, base: str, way: str, code: int, message: str
) -> None:
    status, answer = cluster.call("GET", f"{base}/{way}/proxy/x")
    assert (status, answer["message"]) == (code, message)
    assert (answer["kind"], answer["code"]) == ("Status", code)
    assert answer["reason"] == {400: "BadRequest", 404: "NotFound", 503: "ServiceUnavailable"}[code]


def test_a_service_without_ready_pods_and_a_port_where_nobody_listens_are_unavailable(
    cluster: Running, base: str
) -> None:
    spec = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    cluster.call("POST", f"{base}/services", {"metadata": {"name": "empty"}, "spec": spec})
    status, answer = cluster.call("GET", f"{base}/services/empty/proxy/")
    assert (status, answer["reason"]) == (503, "ServiceUnavailable")
    assert answer["message"] == 'no endpoints available for service "empty"'
    status, answer = cluster.call("GET", f"{base}/pods/echo:9/proxy/")
    address = cluster.call("GET", f"{base}/pods/echo")[1]["status"]["podIP"]
    assert (status, answer["reason"]) == (503, "ServiceUnavailable")
    assert answer["message"] == f"error trying to reach service: dial tcp {address}:9: connect: connection refused"


def test_a_pod_that_has_no_address_yet_is_refused(cluster: Running, base: str) -> None:
    spec = {"containers": [{"name": "a", "image": "busybox"}], "nodeSelector": {"no": "where"}}
    cluster.call("POST", f"{base}/pods", {"metadata": {"name": "waits"}, "spec": spec})
    status, answer = cluster.call("GET", f"{base}/pods/waits/proxy/")
    assert (status, answer["message"]) == (400, "address not allowed")


def test_a_pod_is_told_nothing_that_shows_who_asks(cluster: Running, base: str) -> None:
    asked = {"X-Mine": "kept", "Accept": "text/plain", "User-Agent": "mine/1", "Impersonate-User": "kubernetes-admin"}
    asked |= {"Impersonate-Group": "system:masters", "TE": "gzip", "Connection": "keep-alive, x-once", "X-Once": "here"}
    answer = cluster.client.get(f"{base}/pods/echo/proxy/a?b", headers={**asked, "X-Forwarded-For": "10.0.0.9"})
    told = headers_of(answer.json())
    assert cluster.token not in answer.text
    assert not {"authorization", "te", "x-once", "impersonate-user", "impersonate-group"} & told.keys()
    assert (told["x-mine"], told["accept"], told["user-agent"]) == (["kept"], ["text/plain"], ["mine/1"])
    assert told["host"] == [cluster.url.removeprefix("https://")]
    assert told["x-forwarded-uri"] == [f"{base}/pods/echo/proxy/a"]
    assert told["x-forwarded-for"][0].startswith("10.0.0.9, 127.")


@pytest.mark.parametrize("status", [200, 201, 204, 304, 404, 409, 500, 503])
def test_what_a_pod_answers_comes_back_as_it_is(cluster: Running, base: str, status: int) -> None:
    answer = cluster.client.get(f"{base}/pods/echo/proxy/status/{status}")
    assert answer.status_code == status
    if status not in (204, 304):
        assert answer.json()["path"] == f"/status/{status}"
    assert answer.headers.get_list("Set-Cookie") == ["a=1", "b=2"]
    assert "X-Hop" not in answer.headers


def test_head_has_the_length_and_no_body(cluster: Running, base: str) -> None:
    answer = cluster.client.head(f"{base}/services/echo/proxy/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


def test_a_large_body_is_passed_on_in_pieces(cluster: Running, base: str) -> None:
    pieces = (b"x" * 65536 for _ in range(200))  # 13 MB, more than the API itself would read
    said = cluster.client.post(f"{base}/pods/echo/proxy/", content=pieces).json()
    assert said["body"] == 200 * 65536


def test_the_beginning_of_an_answer_comes_before_its_end(cluster: Running, base: str) -> None:
    with cluster.client.stream("GET", f"{base}/pods/echo/proxy/drops") as answer:
        assert next(answer.iter_raw()) == b"first"


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(cluster: Running, base: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        cluster.client.get(f"{base}/pods/echo/proxy/broken")


def test_a_pod_that_hangs_up_without_an_answer_was_not_reached(cluster: Running, base: str) -> None:
    status, answer = cluster.call("GET", f"{base}/pods/echo/proxy/silent")
    assert (status, answer["reason"]) == (503, "ServiceUnavailable")
    assert answer["message"].startswith("error trying to reach service: ")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_path_without_its_slash_is_sent_on(cluster: Running, base: str, method: str) -> None:
    answer = cluster.client.request(method, f"{base}/services/echo/proxy?a=b")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{base}/services/echo/proxy/?a=b")
    posted = cluster.client.post(f"{base}/services/echo/proxy")
    assert (posted.status_code, posted.json()["path"]) == (200, "/")


def test_a_redirection_leads_back_through_the_api_server(cluster: Running, base: str) -> None:
    answer = cluster.client.get(f"{base}/services/echo/proxy/moved")
    assert answer.headers["Location"] == f"{base}/services/echo/proxy/there/?x=1"


def test_a_change_of_protocol_is_refused(cluster: Running, base: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    answer = cluster.client.get(f"{base}/services/echo/proxy/", headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("way", "code"),
    [("pods/echo/log/x", 404), ("pods/echo/status/x", 404), ("pods/a%2Fproxy/x", 404), ("configmaps/a/proxy", 404),
     ("pods/echo%2Fproxy/x", 404)],
)  # fmt: skip
def test_no_other_path_goes_on(cluster: Running, base: str, way: str, code: int) -> None:
    assert cluster.call("GET", f"{base}/{way}")[0] == code


def test_each_method_takes_its_own_right(cluster: Running, base: str) -> None:
    rbac = base.replace("/api/v1", "/apis/rbac.authorization.k8s.io/v1")
    rules = [
        {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["services/proxy"], "resourceNames": ["named:web"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["*"]},
    ]
    assert cluster.call("POST", f"{rbac}/roles", {"metadata": {"name": "asks"}, "rules": rules})[0] == 201
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "asks"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}
    binding = {"metadata": {"name": "asks"}, "roleRef": reference, "subjects": [subject]}
    assert cluster.call("POST", f"{rbac}/rolebindings", binding)[0] == 201

    def status(method: str, way: str) -> int:
        return cluster.client.request(method, f"{base}/{way}/proxy/", headers={"Impersonate-User": "ann"}).status_code

    allowed = {"GET pods/echo", "HEAD pods/echo", "POST services/named:web"}
    asked = [
        f"{method} {way}"
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        for way in ("pods/echo", "services/named:web", "services/named:81")
    ]
    assert {line for line in asked if status(*line.split()) == 200} == allowed
    assert {status(*line.split()) for line in asked if line not in allowed} == {403}
    refused = cluster.client.post(f"{base}/pods/echo/proxy/", headers={"Impersonate-User": "ann"}).json()
    assert refused["message"].startswith(
        'pods "echo" is forbidden: User "ann" cannot create resource "pods/proxy" in API group "" in the namespace'
    )


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_gets_a_raw_path(cluster: Running, base: str) -> None:
    done = cluster.kubectl("get", "--raw", f"{base}/pods/echo:{PORT}/proxy/metrics")
    assert json.loads(done.stdout)["path"] == "/metrics", done.stderr


def test_discovery_tells_of_it(cluster: Running) -> None:
    found = {entry["name"]: entry for entry in cluster.call("GET", "/api/v1")[1]["resources"]}
    for name, kind in (("pods/proxy", "PodProxyOptions"), ("services/proxy", "ServiceProxyOptions")):
        assert (found[name]["kind"], found[name]["verbs"]) == (kind, ["create", "delete", "get", "patch", "update"])


def test_what_is_passed_on_is_noted_with_its_verb(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    with running_cluster(tmp_path / "state", f"proxy-{os.getpid()}", "--audit", str(log)) as audited:
        way = "/api/v1/namespaces/default/pods/none:80/proxy/metrics"
        audited.call("GET", f"{way}?a=b")
        audited.call("POST", way)
        audited.call("PATCH", way)
    calls = [call._replace(agent="") for call in read_calls(log) if call.subresource == "proxy"]
    admin, name = "kubernetes-admin", "none:80"
    assert calls == [
        Call(admin, verb, "", "pods", "proxy", "default", name, "", 404) for verb in ("get", "create", "patch")
    ]
    assert f'"requestURI":"{way}?a=b"' in log.read_text()
