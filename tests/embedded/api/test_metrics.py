"""What pods use, measured on their processes."""

from __future__ import annotations

import shutil

import pytest
from embedded_support import Running

from muster.base.waiting import wait_for
from muster.embedded.schema import protobuf

PROTOBUF = "application/vnd.kubernetes.protobuf"
METRICS = "/apis/metrics.k8s.io/v1beta1"
HOT = "a = bytearray(60_000_000)\nwhile True: pass"


def quantity(text: str) -> float:
    """Cores, or MiB."""
    return float(text[:-1]) * 1e-9 if text.endswith("n") else float(text.removesuffix("Ki")) / 1024


@pytest.fixture
def busy(cluster: Running, namespace: str) -> str:
    """The path of the metrics of a pod of which one container works and one sleeps."""
    containers = [
        {"name": "idle", "image": "busybox", "command": ["sleep", "300"]},
        {"name": "hot", "image": "python:3.11-slim", "command": ["sh", "-c", f"python3 -c '{HOT}'; true"]},
    ]
    spec = {"containers": containers, "terminationGracePeriodSeconds": 0}
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = cluster.call("POST", path, {"metadata": {"name": "p", "labels": {"app": "p"}}, "spec": spec})
    assert made[0] == 201
    metrics = f"{METRICS}/namespaces/{namespace}/pods/p"
    wait_for(lambda: memory_of(cluster, metrics).get("hot", 0) > 57, within=40, reason="the program to take its memory")
    return metrics


def memory_of(cluster: Running, path: str) -> dict[str, float]:
    """MiB by container; nothing while there is none."""
    found = cluster.call("GET", path)[1]
    return {c["name"]: quantity(c["usage"]["memory"]) for c in found.get("containers", ())}


def test_what_a_pod_uses_is_measured_on_its_processes(cluster: Running, busy: str) -> None:
    """The program that works is not the container's own process but below it."""
    found = cluster.call("GET", busy)[1]
    assert (found["kind"], found["metadata"]["labels"]) == ("PodMetrics", {"app": "p"})
    used = {container["name"]: container["usage"] for container in found["containers"]}
    assert quantity(used["hot"]["cpu"]) > quantity(used["idle"]["cpu"])
    assert 57 < quantity(used["hot"]["memory"]) < 120
    assert quantity(used["idle"]["memory"]) < 20
    everywhere = protobuf.decode(cluster.client.get(f"{METRICS}/pods", headers={"Accept": PROTOBUF}).content)
    assert "p" in [item["metadata"]["name"] for item in everywhere["items"]]
    assert cluster.call("GET", busy.removesuffix("/p"), labelSelector="app=other")[1]["items"] == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_shows_what_is_used(cluster: Running, namespace: str, busy: str) -> None:
    done = cluster.kubectl("-n", namespace, "top", "pod", "p", "--containers", "--no-headers")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["p", "hot"], ["p", "idle"]], done.stderr
    node = cluster.kubectl("top", "node", "--no-headers")
    assert node.returncode == 0, node.stderr
    assert len(node.stdout.split()) == 5


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", f"{METRICS}/namespaces/default/pods/none", 404),
        ("GET", f"{METRICS}/nodes/none", 404),
        ("GET", f"{METRICS}/pods/p", 404),
        ("GET", f"{METRICS}/namespaces/default/nodes", 404),
        ("DELETE", f"{METRICS}/pods", 405),
        ("GET", f"{METRICS}/pods?labelSelector=a in (", 400),
        ("GET", "/apis/metrics.k8s.io/v1", 404),
        ("GET", METRICS, 200),
    ],
)
def test_what_there_is_no_measure_of_is_refused(cluster: Running, method: str, path: str, code: int) -> None:
    assert cluster.call(method, path)[0] == code
