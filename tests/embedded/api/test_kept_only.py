"""Kinds that a staging's manifests hold and on which nothing acts here: they are applied, kept and given back, and said
to be idle."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import yaml
from embedded_support import Running

INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "shop"},
    "spec": {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}],
        "rules": [
            {
                "host": "shop.example",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "shop", "port": {"number": 8080}}},
                        }
                    ]
                },
            }
        ],
    },
}
AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "shop"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    },
}
BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "shop"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "shop"}}},
}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("way", ["by the client", "--server-side"])
def test_kubectl_applies_them_and_is_told_that_nothing_acts_on_them(cluster: Running, namespace: str, way: str) -> None:
    staging = yaml.safe_dump_all([INGRESS, AUTOSCALER, BUDGET])
    options = [way] if way.startswith("--") else []
    for _ in range(2):
        done = cluster.kubectl("apply", *options, "-n", namespace, "-f", "-", stdin=staging)
        assert done.returncode == 0, done.stderr
        if options:
            assert "Ingress: the embedded cluster keeps it, and nothing acts on it" in done.stderr
    if not options:
        assert done.stdout.count("unchanged") == 2, done.stdout  # a budget is always "configured", as on a real one
    told = cluster.kubectl(
        "apply", *options, "-n", namespace, "-f", "-", stdin=staging.replace("maxReplicas: 10", "maxReplicas: 9")
    )
    assert "Warning: HorizontalPodAutoscaler: the embedded cluster keeps it, and nothing acts on it" in told.stderr
    assert "PodDisruptionBudget" not in told.stderr

    _, kept = cluster.call("GET", f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/shop")
    assert kept["spec"] == INGRESS["spec"]
    rows = cluster.kubectl("get", "ing,hpa", "-n", namespace).stdout
    assert row(rows, "ingress") == ["shop", "nginx", "shop.example", "80,", "443"]
    assert row(rows, "horizontalpodautoscaler") == ["shop", "Deployment/shop", "<unknown>", "1", "9", "0"]


def row(table: str, kind: str) -> list[str]:
    """The cells of the object of a kind, its name first, without its age."""
    (line,) = [line for line in table.splitlines() if line.startswith(f"{kind}.")]
    name, *cells = line.split()
    return [name.partition("/")[2], *cells[:-1]]


@pytest.mark.parametrize(
    ("item", "spec", "said"),
    [
        (INGRESS, {}, "either `defaultBackend` or `rules` must be specified"),
        (INGRESS, {"rules": [{"http": {"paths": [{"backend": {}}]}}]}, "pathType: Required value"),
        (AUTOSCALER, {"maxReplicas": 3}, "spec.scaleTargetRef.kind: Required value"),
        (
            AUTOSCALER,
            {"scaleTargetRef": {"kind": "Deployment", "name": "shop"}, "minReplicas": 5, "maxReplicas": 3},
            "must be greater than or equal to `minReplicas`",
        ),
    ],
)
def test_what_a_real_cluster_refuses_is_refused(
    cluster: Running, namespace: str, item: dict[str, Any], spec: dict[str, Any], said: str
) -> None:
    plural = f"{item['kind'].lower()}{'es' if item['kind'].endswith('s') else 's'}"
    path = f"/apis/{item['apiVersion']}/namespaces/{namespace}/{plural}"
    code, answer = cluster.call("POST", path, {**item, "spec": spec})
    assert (code, said in answer["message"]) == (422, True), answer
