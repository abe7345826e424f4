"""Ports of pods, forwarded to kubectl and to the Python client; files copied."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from embedded_support import Running

from muster.base.waiting import wait_for

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
SERVE = "cd /tmp && head -c 3000000 /dev/zero > big && echo hello > index.html && python3 -m http.server 8080 --bind "


@pytest.fixture
def web(cluster: Running, namespace: str) -> str:
    """The path of a pod that serves files on port 8080."""
    variable = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {"name": "web", "image": "python:3.11-slim", "command": ["sh", "-c", f"{SERVE} $POD_IP"]}
    container |= {"env": [variable], "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    path = f"/api/v1/namespaces/{namespace}/pods"
    assert cluster.call("POST", path, {"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": spec})[0] == 201

    def is_ready() -> bool:
        conditions = cluster.call("GET", f"{path}/web")[1]["status"].get("conditions", ())
        return {"Ready": "True"}.items() <= {c["type"]: c["status"] for c in conditions}.items()

    wait_for(is_ready, within=40, reason="the pod to serve")
    return f"{path}/web"


@contextmanager
def forwarding(cluster: Running, namespace: str, target: str, port: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address at which kubectl listens, and its process."""
    command = ["kubectl", "--kubeconfig", str(cluster.kubeconfig), "-n", namespace, "port-forward"]
    command += ["--address", "127.0.0.1", target, f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.match(r"Forwarding from (127\.0\.0\.1:\d+) -> ", process.stdout.readline())
            assert found, process.communicate(timeout=10)[1]
            yield f"http://{found[1]}", process
        finally:
            process.kill()


@needs_kubectl
def test_kubectl_forwards_a_port_of_a_service(cluster: Running, namespace: str, web: str) -> None:
    spec = {"ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": "web"}}
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": "web"}, "spec": spec})
    with (
        forwarding(cluster, namespace, "service/web", 80) as (url, _),
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        assert client.get("/").text == "hello\n"
        assert len(client.get("/big").content) == 3_000_000
        texts = list(pool.map(lambda _: httpx.get(url, trust_env=False, timeout=20).text, range(16)))
        assert texts == ["hello\n"] * 16


@needs_kubectl
def test_kubectl_is_told_that_nothing_listens(cluster: Running, namespace: str, web: str) -> None:
    with forwarding(cluster, namespace, "pod/web", 9999) as (url, process):
        with pytest.raises(httpx.TransportError):
            httpx.get(url, trust_env=False, timeout=20)
        assert process.stderr is not None
        assert "Connection refused" in process.stderr.readline()


@needs_kubectl
def test_kubectl_copies_files_both_ways(cluster: Running, namespace: str, web: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(bytes(range(256)) * 8000)
    for source, target in ((tmp_path / "there", "web:/tmp/copied"), ("web:/tmp/copied", tmp_path / "back")):
        done = cluster.kubectl("-n", namespace, "cp", str(source), str(target))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "back").read_bytes() == (tmp_path / "there").read_bytes()


def test_the_python_client_forwards_ports(cluster: Running, namespace: str, web: str) -> None:
    from kubernetes import client, config
    from kubernetes.stream import portforward

    configuration = client.Configuration()
    config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    with client.ApiClient(configuration) as api:
        connect = client.CoreV1Api(api).connect_get_namespaced_pod_portforward
        forward = portforward(connect, "web", namespace, ports="8080,9999")
        end = forward.socket(8080)
        end.setblocking(True)
        end.settimeout(20)
        end.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while not received.endswith(b"hello\n"):
            piece = end.recv(1000)
            assert piece, f"the connection ended after {received!r}"
            received += piece
        wait_for(lambda: forward.error(9999) is not None, within=20, reason="the other port to be refused")
        assert "Connection refused" in forward.error(9999)
        assert forward.error(8080) is None


@pytest.mark.parametrize(
    ("pod", "code", "why"),
    [
        ("none", 404, 'pods "none" not found'),
        ("waits", 400, "unable to forward port because pod is not running. Current status=Pending"),
    ],
)
def test_a_pod_that_does_not_run_has_no_ports(cluster: Running, namespace: str, pod: str, code: int, why: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"containers": [{"name": "a", "image": "busybox"}], "nodeSelector": {"no": "where"}}
    cluster.call("POST", path, {"metadata": {"name": "waits"}, "spec": spec})
    status, answer = cluster.call("GET", f"{path}/{pod}/portforward")
    assert (status, answer["message"]) == (code, why)


def test_what_is_no_list_of_ports_is_refused(cluster: Running, web: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "v4.channel.k8s.io"}
    for ports in ("", "0", "65536", "80,", "a", "²", "80," * 200 + "80"):
        refused = cluster.client.get(f"{web}/portforward", params={"ports": ports}, headers=headers)
        assert (refused.status_code, refused.json()["reason"]) == (400, "BadRequest"), ports
    other = cluster.client.get(f"{web}/portforward", headers=headers | {"Sec-WebSocket-Protocol": "other"})
    assert other.status_code == 400
