"""What an API server refuses, does not have or breaks off is said to be unknown; what can be had is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from torture.proxy import Plan, Proxy

from muster.base.clock import now
from muster.base.waiting import wait_for
from muster.diagnosis import Diagnosis, diagnose
from muster.kube import Cluster, connect
from muster.snapshot import Snapshot
from muster.snapshot import cluster as listing
from muster.snapshot.gather import gather

SAYS_HELLO = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "hello"},
    "spec": {"containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", "echo hello; sleep 3600"]}]},
}


NAMESPACE = "test-refused"


@pytest.fixture(scope="module")
def refusing(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Proxy]]:
    """The cluster by a way that refuses what it is told to; in the namespace is a pod that runs, and settings."""
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    cluster.create(SAYS_HELLO, NAMESPACE)
    for name in ("one", "two"):
        cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}, NAMESPACE)
    wait_for(lambda: says_hello(cluster), within=30, reason="a pod that says hello")
    with Proxy(cluster.access) as proxy:
        path = tmp_path_factory.mktemp("refused") / "kubeconfig"
        path.write_text(
            "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}], "
            f"clusters: [{{name: c, cluster: {{server: '{proxy.url}'}}}}], users: [{{name: c, user: {{}}}}]}}"
        )
        with connect(path) as refusing:
            yield refusing, proxy
    cluster.delete("Namespace", NAMESPACE)


def says_hello(cluster: Cluster) -> bool:
    phase = cluster.get("Pod", "hello", NAMESPACE)["status"].get("phase")
    return phase == "Running" and "hello" in cluster.logs("hello", NAMESPACE)


def look(refusing: tuple[Cluster, Proxy], refused: dict[str, int]) -> tuple[Snapshot, Diagnosis]:
    cluster, proxy = refusing
    proxy.begin(Plan(refused=refused))
    snapshot = gather(lambda: cluster, namespace=NAMESPACE, within=20)
    return snapshot, diagnose(snapshot)


@pytest.mark.parametrize(
    ("refused", "unknown"),
    [
        ({"/secrets": 403}, {"Secret"}),
        ({"/nodes": 403}, {"Node", "check nodes", "metrics of nodes", "check usage"}),
        ({"/events": 403}, {"Event"}),
        ({"/hello/log": 403}, {"logs"}),
        ({"/configmaps": 403}, {"ConfigMap", "check faults", "check procedures"}),
        ({"/storageclasses": 403}, {"StorageClass"}),
        ({"/metrics.k8s.io/.*pods": 403}, {"metrics of pods", "check usage"}),
        ({"/deployments": 500}, {"Deployment", "check rollouts"}),
        ({"/apis/apps/": 404}, {"Deployment", "ReplicaSet", "StatefulSet", "check rollouts", "check making"}),
        ({"/api/v1/namespaces/[^/]*/pods": 404}, {"Pod", "check pods"}),
        ({"/api/v1/namespaces/[^/]*$": 404}, {"Namespace"}),
        ({"/": 401}, {"Pod", "Service", "check pods"}),
        ({"/": 404}, {"Pod", "Service", "check pods"}),
    ],
    ids=lambda one: "-".join(map(str, one.values())) + str(next(iter(one))) if isinstance(one, dict) else "",
)
def test_what_is_refused_is_named(refusing: tuple[Cluster, Proxy], refused: dict[str, int], unknown: set[str]) -> None:
    _, diagnosis = look(refusing, refused)
    assert unknown <= {one.what for one in diagnosis.unknown}
    assert (diagnosis.causes, diagnosis.exit_code) == ((), 2)


@pytest.mark.parametrize("refused", [{}, {"/apis/policy/": 404}, {"/metrics.k8s.io/": 404}], ids=str)
def test_what_a_cluster_need_not_have_is_not_missed(refusing: tuple[Cluster, Proxy], refused: dict[str, int]) -> None:
    snapshot, diagnosis = look(refusing, refused)
    assert (diagnosis.unknown, diagnosis.causes, diagnosis.exit_code) == ((), (), 0)
    assert [tail.lines for tail in snapshot.logs] == [("hello",)]


def test_what_breaks_off_between_two_pages_is_unknown(
    refusing: tuple[Cluster, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 1)
    snapshot, diagnosis = look(refusing, {"configmaps.*continue=": 500})
    assert "rest of ConfigMap" in {one.what for one in diagnosis.unknown}
    assert "ConfigMap" not in snapshot.listed


def test_a_list_that_changes_faster_than_it_is_read_is_read_whole(
    refusing: tuple[Cluster, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 1)
    snapshot, diagnosis = look(refusing, {"configmaps.*continue=": 410})
    assert diagnosis.unknown == ()
    names = {item["metadata"]["name"] for item in snapshot.objects if item["kind"] == "ConfigMap"}
    assert {"one", "two"} <= names


@pytest.mark.parametrize("way", ["hang", "reset", "500"])
@pytest.mark.parametrize("first", [2, 17])
def test_what_fails_in_the_middle_is_answered_in_time(refusing: tuple[Cluster, Proxy], way: str, first: int) -> None:
    cluster, proxy = refusing
    proxy.begin(Plan(way=way, first=first, calls=10**6))
    began = now()
    diagnosis = diagnose(gather(lambda: cluster, namespace=NAMESPACE, within=1.5))
    assert now() - began < 30
    assert (diagnosis.causes, diagnosis.exit_code) == ((), 2)


def test_a_namespace_that_is_not_there_is_not_healthy(cluster: Cluster) -> None:
    diagnosis = diagnose(gather(lambda: cluster, namespace="nowhere", within=20))
    assert [one.what for one in diagnosis.unknown] == ["Namespace"]
    assert "nowhere" in diagnosis.unknown[0].why
