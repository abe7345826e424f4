"""Endpoints, garbage, namespaces, claims, scheduling."""

from __future__ import annotations

from typing import Any

from controller_support import Bench, deployment, on_bench, template

from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import condition
from muster.embedded.resources import (
    CONFIGMAPS,
    DEPLOYMENTS,
    ENDPOINTS,
    ENDPOINTSLICES,
    NAMESPACES,
    NODES,
    PERSISTENTVOLUMECLAIMS,
    PODS,
    REPLICASETS,
    SERVICEACCOUNTS,
    SERVICES,
)


def service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "metadata": {"name": "web", "namespace": "ns"},
        "spec": {"selector": {"app": "web"}, "ports": ports, **spec},
    }


def endpoints(bench: Bench) -> list[dict[str, Any]]:
    return [e for s in bench.store.objects(ENDPOINTSLICES, "ns") for e in s["endpoints"]]


@on_bench
async def test_endpoints_follow_readiness_and_deletion(bench: Bench) -> None:
    bench.store.create(SERVICES, service())
    bench.store.create(DEPLOYMENTS, deployment(replicas=2))
    await bench.until(lambda: sum(e["conditions"]["ready"] for e in endpoints(bench)) == 2, "two ready endpoints")
    assert bench.store.objects(ENDPOINTSLICES, "ns")[0]["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    sick = bench.pods()[0]
    bench.node.report(sick, ready=False)
    await bench.until(lambda: sum(e["conditions"]["ready"] for e in endpoints(bench)) == 1, "one ready endpoint")
    subset = bench.store.get(ENDPOINTS, "ns", "web")["subsets"][0]
    assert [a["targetRef"]["name"] for a in subset["notReadyAddresses"]] == [sick["metadata"]["name"]]

    bench.node.slow_to_end = True
    ending = bench.pods()[1]["metadata"]["name"]
    bench.store.delete(PODS, "ns", ending)
    await bench.settle()
    found = next(e for e in endpoints(bench) if e["targetRef"]["name"] == ending)
    assert found["conditions"] == {"ready": False, "serving": True, "terminating": True}


@on_bench
async def test_a_service_without_pods_has_one_empty_slice(bench: Bench) -> None:
    bench.store.create(SERVICES, service())
    slices = await bench.until(lambda: bench.store.objects(ENDPOINTSLICES, "ns"), "a slice")
    assert [s["endpoints"] for s in slices] == [[]]
    bench.store.delete(SERVICES, "ns", "web")
    await bench.until(lambda: not bench.store.objects(ENDPOINTSLICES, "ns"), "the slice to go")


@on_bench
async def test_what_is_owned_goes_with_its_owner(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment())
    await bench.until(bench.deployed, "the deployment to be complete")
    bench.store.delete(DEPLOYMENTS, "ns", "web")
    await bench.until(lambda: not bench.pods() and not bench.store.objects(REPLICASETS), "pods and ReplicaSet to go")


@on_bench
async def test_in_the_foreground_the_owner_goes_last(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment())
    await bench.until(bench.deployed, "the deployment to be complete")
    bench.node.slow_to_end = True
    bench.store.delete(DEPLOYMENTS, "ns", "web", DeleteOptions(propagation="Foreground"))
    await bench.settle()
    assert bench.store.find(DEPLOYMENTS, "ns", "web"), "it waits for its pods"
    assert all(p["metadata"].get("deletionTimestamp") for p in bench.pods())
    for pod in bench.pods():
        bench.node.end(pod)
    await bench.until(lambda: not bench.store.find(DEPLOYMENTS, "ns", "web"), "the deployment to go")


@on_bench
async def test_orphans_stay(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment())
    await bench.until(bench.deployed, "the deployment to be complete")
    bench.store.delete(DEPLOYMENTS, "ns", "web", DeleteOptions(propagation="Orphan"))
    await bench.until(lambda: not bench.store.find(DEPLOYMENTS, "ns", "web"), "the deployment to go")
    await bench.settle()
    assert len(bench.pods()) == 3
    assert "ownerReferences" not in bench.store.objects(REPLICASETS)[0]["metadata"]


@on_bench
async def test_a_namespace_is_furnished_and_emptied(bench: Bench) -> None:
    await bench.until(lambda: bench.store.find(SERVICEACCOUNTS, "ns", "default"), "the ServiceAccount")
    bench.store.delete(CONFIGMAPS, "ns", "kube-root-ca.crt")
    await bench.until(lambda: bench.store.find(CONFIGMAPS, "ns", "kube-root-ca.crt"), "the certificate to be back")
    bench.store.create(DEPLOYMENTS, deployment())
    await bench.until(bench.deployed, "the deployment to be complete")
    bench.store.delete(NAMESPACES, "", "ns")
    await bench.until(lambda: not bench.store.find(NAMESPACES, "", "ns"), "the namespace to go")
    assert not bench.pods()


@on_bench
async def test_a_claim_is_bound_and_kept_while_it_is_used(bench: Bench) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    bench.store.create(PERSISTENTVOLUMECLAIMS, {"metadata": {"name": "data", "namespace": "ns"}, "spec": spec})
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    pod_spec = {**template()["spec"], "volumes": [volume]}
    bench.store.create(PODS, {"metadata": {"name": "user", "namespace": "ns"}, "spec": pod_spec})

    def phase() -> str:
        return bench.store.get(PERSISTENTVOLUMECLAIMS, "ns", "data")["status"]["phase"]

    await bench.until(lambda: phase() == "Bound", "the claim to be bound")
    bench.store.delete(PERSISTENTVOLUMECLAIMS, "ns", "data")
    await bench.settle()
    assert bench.store.find(PERSISTENTVOLUMECLAIMS, "ns", "data")
    bench.store.delete(PODS, "ns", "user", DeleteOptions(grace_seconds=0))
    await bench.until(lambda: not bench.store.find(PERSISTENTVOLUMECLAIMS, "ns", "data"), "the claim to go")


@on_bench
async def test_a_cordoned_node_takes_no_pods_until_it_is_opened(bench: Bench) -> None:
    node = bench.store.get(NODES, "", "node")
    node["spec"]["unschedulable"] = True
    bench.store.update(NODES, node)
    bench.store.create(PODS, {"metadata": {"name": "p", "namespace": "ns"}, "spec": template()["spec"]})

    def scheduled() -> dict[str, Any]:
        return condition(bench.store.get(PODS, "ns", "p"), "PodScheduled") or {}

    await bench.until(lambda: scheduled().get("reason") == "Unschedulable", "the pod to be refused")
    node = bench.store.get(NODES, "", "node")
    del node["spec"]["unschedulable"]
    bench.store.update(NODES, node)
    await bench.until(lambda: scheduled().get("status") == "True", "the pod to be bound")
