"""StatefulSets: order, names, claims, updates."""

from __future__ import annotations

from controller_support import Bench, on_bench, statefulset, template

from muster.embedded.deletion import DeleteOptions
from muster.embedded.resources import PERSISTENTVOLUMECLAIMS, PODS, STATEFULSETS
from muster.embedded.store import Event

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@on_bench
async def test_pods_come_one_after_another(bench: Bench) -> None:
    bench.node.broken.add("bad")
    bench.store.create(STATEFULSETS, statefulset(image="bad:1"))
    await bench.settle()
    assert bench.names() == ["db-0"], "the second waits for the first to be ready"
    bench.node.report(bench.pods()[0], ready=True)
    await bench.until(lambda: bench.names() == ["db-0", "db-1"], "the second pod")


@on_bench
async def test_in_parallel_nobody_waits(bench: Bench) -> None:
    bench.node.broken.add("bad")
    bench.store.create(STATEFULSETS, statefulset(image="bad:1", podManagementPolicy="Parallel"))
    await bench.until(lambda: len(bench.pods()) == 3, "three pods")


@on_bench
async def test_a_pod_comes_back_under_its_name_with_its_claim(bench: Bench) -> None:
    bench.store.create(STATEFULSETS, statefulset(replicas=1, volumeClaimTemplates=[CLAIM]))
    await bench.until(bench.is_up, "the set")
    before = bench.pods()[0]
    claim = bench.store.get(PERSISTENTVOLUMECLAIMS, "ns", "data-db-0")
    bench.store.delete(PODS, "ns", "db-0", DeleteOptions(grace_seconds=0))
    await bench.until(lambda: bench.names() == ["db-0"] and bench.is_up(), "the pod to be back")
    after = bench.pods()[0]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]
    assert bench.store.get(PERSISTENTVOLUMECLAIMS, "ns", "data-db-0")["metadata"]["uid"] == claim["metadata"]["uid"]


@on_bench
async def test_scaling_down_takes_the_last_and_leaves_its_claim(bench: Bench) -> None:
    bench.store.create(STATEFULSETS, statefulset(volumeClaimTemplates=[CLAIM]))
    await bench.until(bench.is_up, "the set")
    gone: list[str] = []
    bench.store.subscribe(PODS, lambda event: gone.append(event.key.name) if event.type == "DELETED" else None)
    bench.change(STATEFULSETS, "db", replicas=1)
    await bench.until(lambda: bench.names() == ["db-0"], "one pod")
    assert gone == ["db-2", "db-1"]
    assert len(bench.store.objects(PERSISTENTVOLUMECLAIMS)) == 3


@on_bench
async def test_an_update_goes_from_the_last_to_the_partition(bench: Bench) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    bench.store.create(STATEFULSETS, statefulset(updateStrategy=strategy))
    await bench.until(bench.is_up, "the set")
    gone: list[str] = []

    def note(event: Event) -> None:
        if event.type == "DELETED":
            gone.append(event.key.name)

    bench.store.subscribe(PODS, note)
    bench.change(STATEFULSETS, "db", template=template("app:2"))

    def images() -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for pod in bench.pods()]

    await bench.until(lambda: images() == ["app:1", "app:2", "app:2"], "all but the first to be new")
    assert gone == ["db-2", "db-1"]
    bench.store.delete(PODS, "ns", "db-0", DeleteOptions(grace_seconds=0))
    await bench.until(lambda: len(images()) == 3, "the first to be back")
    assert images()[0] == "app:1", "below the partition the old version is kept"


@on_bench
async def test_a_set_of_none_starts_nothing(bench: Bench) -> None:
    bench.store.create(STATEFULSETS, statefulset(replicas=0))
    await bench.settle()
    assert bench.names() == []
    status = bench.store.get(STATEFULSETS, "ns", "db")["status"]
    assert status["replicas"] == 0
    assert "readyReplicas" not in status
