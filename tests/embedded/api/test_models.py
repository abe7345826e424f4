"""The official Python client checks what it reads: every object must have what its model requires."""

from __future__ import annotations

import pytest
from embedded_support import Running

from muster.base.waiting import wait_for
from muster.embedded.resources import RESOURCES, Resource

MANIFESTS = [
    (
        "apps/v1", "deployments", "Deployment",
        {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": "web"},
    ),
    (
        "apps/v1", "statefulsets", "StatefulSet",
        {
            "replicas": 1, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": "db",
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                }
            ],
        },
    ),
    ("batch/v1", "jobs", "Job", {"template": "job"}),
    ("v1", "services", "Service", {"selector": {"app": "web"}, "ports": [{"port": 8080}]}),
    ("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget",
     {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}),
    ("coordination.k8s.io/v1", "leases", "Lease", {"holderIdentity": "a"}),
    ("networking.k8s.io/v1", "ingresses", "Ingress",
     {"defaultBackend": {"service": {"name": "services", "port": {"number": 8080}}}}),
    ("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
     {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "deployments"}}),
]  # fmt: skip


def template(name: str) -> dict:
    command = ["sh", "-c", "sleep 300"] if name != "job" else ["true"]
    spec = {
        "containers": [{"name": "main", "image": "busybox", "command": command}],
        "terminationGracePeriodSeconds": 0,
    }
    if name == "job":
        spec["restartPolicy"] = "Never"
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def path_of(resource: Resource, namespace: str) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    return f"{root}/namespaces/{namespace}/{resource.plural}" if resource.namespaced else f"{root}/{resource.plural}"


@pytest.fixture
def everything(cluster: Running, namespace: str) -> str:
    """A namespace with an object of each type."""
    for version, plural, kind, spec in MANIFESTS:
        root = "/apis/" if "/" in version else "/api/"
        if isinstance(spec.get("template"), str):
            spec = {**spec, "template": template(spec["template"])}  # noqa: PLW2901
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": plural}, "spec": spec}
        code, answer = cluster.call("POST", f"{root}{version}/namespaces/{namespace}/{plural}", body)
        assert code == 201, answer
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "s"}, "data": {"a": "Yg=="}})

    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    cluster.call("POST", f"{roles}/roles", {"metadata": {"name": "r"}})
    binding = {"metadata": {"name": "r"}, "roleRef": {"kind": "Role", "name": "r"}}
    cluster.call("POST", f"{roles}/rolebindings", binding)

    def settled() -> bool:
        pods = cluster.call("GET", f"/api/v1/namespaces/{namespace}/pods")[1]["items"]
        return len(pods) == 3 and all(pod["status"]["phase"] in ("Running", "Succeeded") for pod in pods)

    def seen() -> str:
        pods = cluster.call("GET", f"/api/v1/namespaces/{namespace}/pods")[1]["items"]
        return str({pod["metadata"]["name"]: pod["status"] for pod in pods})

    wait_for(settled, within=30, reason="all pods to run", latest=seen)
    return namespace


def test_every_object_is_what_the_python_client_expects(cluster: Running, everything: str) -> None:
    from kubernetes.client import ApiClient, models

    client = ApiClient()
    for resource in (found for found in RESOURCES if not found.custom):
        listed = cluster.client.get(path_of(resource, everything))
        assert listed.json()["items"], f"there must be a {resource.kind} to look at"
        name = "CoreV1EventList" if resource.kind == "Event" else f"{resource.version.upper()}{resource.kind}List"
        assert hasattr(models, name)
        assert client.deserialize(listed.text, name, "application/json") is not None
