"""What an object must be, said with the field and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from muster.embedded import resources as r
from muster.embedded.addresses import Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.status import StatusError
from muster.embedded.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Addresses.claim() as addresses:
        made = Store(ClusterRules(addresses))
        made.create(r.NAMESPACES, {"metadata": {"name": "default"}})
        yield made


CONTAINER = {"name": "a", "image": "busybox"}
LABELS = {"a": "b"}


def workload(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}}
    return {"spec": {"selector": {"matchLabels": LABELS}, "template": template, **spec}}


def pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{**CONTAINER, **container}]}}


def service(**spec: Any) -> dict[str, Any]:
    return {"spec": {"ports": [{"port": 80}], **spec}}


def rolling(**values: Any) -> dict[str, Any]:
    return workload(strategy={"rollingUpdate": values})


def selecting(**expression: Any) -> dict[str, Any]:
    return {"spec": {"minAvailable": 1, "selector": {"matchExpressions": [{"key": "a", **expression}]}}}


WRONG = [
    (r.DEPLOYMENTS, workload(selector={"matchExpressions": [{"key": "a"}]}),
     "spec.selector.matchExpressions[0].operator"),
    (r.DEPLOYMENTS, rolling(maxSurge="much"), "spec.strategy.rollingUpdate.maxSurge"),
    (r.DEPLOYMENTS, rolling(maxUnavailable=-1), "spec.strategy.rollingUpdate.maxUnavailable"),
    (r.STATEFULSETS, workload(volumeClaimTemplates=[{}], replicas=-1), "spec.replicas"),
    (r.STATEFULSETS, workload(updateStrategy={"rollingUpdate": {"maxUnavailable": "x"}}),
     "spec.updateStrategy.rollingUpdate.maxUnavailable"),
    (r.JOBS, {"spec": {**workload()["spec"], "selector": {"matchExpressions": [{"operator": "In"}]}}},
     "spec.selector.matchExpressions[0].values"),
    (r.PODDISRUPTIONBUDGETS, selecting(operator="In"), "spec.selector.matchExpressions[0].values"),
    (r.PODDISRUPTIONBUDGETS, selecting(operator="Exists", values=["b"]), "spec.selector.matchExpressions[0].values"),
    (r.PODDISRUPTIONBUDGETS, {"spec": {"minAvailable": 1, "maxUnavailable": 1}}, "spec"),
    (r.PODDISRUPTIONBUDGETS, {"spec": {"minAvailable": "1"}}, "spec.minAvailable"),
    (r.PODS, pod(readinessProbe={"httpGet": {}}), "spec.containers[0].readinessProbe.httpGet.port"),
    (r.PODS, pod(readinessProbe={"tcpSocket": {"port": "-"}}), "spec.containers[0].readinessProbe.tcpSocket.port"),
    (r.PODS, pod(livenessProbe={"exec": {}}), "spec.containers[0].livenessProbe.exec.command"),
    (r.SERVICES, service(clusterIP="here"), "spec.clusterIPs"),
    (r.SERVICES, service(clusterIP="10.0.0.1"), "spec.clusterIPs"),
    (r.ENDPOINTS, {"subsets": [{"addresses": [{}]}]}, "subsets[0].addresses[0].ip"),
    (r.ENDPOINTS, {"subsets": [{"addresses": [], "ports": [{"name": "a"}]}]}, "subsets[0].ports[0].port"),
    (r.ENDPOINTSLICES, {"endpoints": []}, "addressType"),
    (r.ENDPOINTSLICES, {"addressType": "IPv4", "endpoints": [{}]}, "endpoints[0].addresses"),
    (r.ENDPOINTSLICES, {"addressType": "IPv4", "endpoints": [{"addresses": ["a"]}]}, "endpoints[0].addresses[0]"),
    (r.ENDPOINTSLICES, {"addressType": "FQDN", "endpoints": [], "ports": [{"port": 0}]}, "ports[0].port"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "obj", "field"), WRONG, ids=[f"{row[0].plural}-{row[2]}" for row in WRONG])
def test_what_is_wrong_is_refused_with_its_field(store: Store, resource: r.Resource, obj: dict, field: str) -> None:
    with pytest.raises(StatusError) as caught:
        store.create(resource, {"metadata": {"name": "a", "namespace": "default"}, **obj})
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert field in [cause["field"] for cause in (caught.value.details or {})["causes"]]


@pytest.mark.parametrize(
    ("resource", "obj"),
    [
        (r.DEPLOYMENTS, rolling(maxSurge="30%", maxUnavailable=0)),
        (r.PODDISRUPTIONBUDGETS, selecting(operator="NotIn", values=["b"])),
        (r.PODDISRUPTIONBUDGETS, {"spec": {"maxUnavailable": "50%"}}),
        (r.PODS, pod(readinessProbe={"httpGet": {"port": "http"}}, livenessProbe={"exec": {"command": ["true"]}})),
        (r.SERVICES, service(clusterIP="None")),
        (r.ENDPOINTSLICES, {"addressType": "FQDN", "endpoints": [{"addresses": ["example.org"]}]}),
        (r.ENDPOINTS, {"subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 80}]}]}),
    ],
)
def test_what_is_right_is_taken(store: Store, resource: r.Resource, obj: dict) -> None:
    assert store.create(resource, {"metadata": {"name": "a", "namespace": "default"}, **obj})["metadata"]["uid"]
