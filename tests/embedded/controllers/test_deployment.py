"""Deployments and ReplicaSets."""

from __future__ import annotations

from controller_support import Bench, deployment, on_bench, template

from muster.embedded.deletion import DeleteOptions
from muster.embedded.objects import condition
from muster.embedded.resources import DEPLOYMENTS, EVENTS, PODS, REPLICASETS
from muster.embedded.store import Event


@on_bench
async def test_a_deleted_pod_is_replaced(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment())
    await bench.until(bench.deployed, "the deployment to be complete")
    victim = bench.names()[0]
    bench.store.delete(PODS, "ns", victim, DeleteOptions(grace_seconds=0))
    await bench.until(lambda: len(bench.pods()) == 3 and bench.deployed(), "three pods again")
    assert victim not in bench.names()


@on_bench
async def test_a_rolling_update_never_leaves_the_limits(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment(replicas=4))
    await bench.until(bench.deployed, "the first rollout")
    seen: list[tuple[int, int]] = []

    def count(_event: Event) -> None:
        pods = [p for p in bench.pods() if not p["metadata"].get("deletionTimestamp")]
        ready = [p for p in pods if (condition(p, "Ready") or {}).get("status") == "True"]
        seen.append((len(pods), len(ready)))

    bench.store.subscribe(PODS, count)
    bench.change(DEPLOYMENTS, "web", template=template("app:2"))
    await bench.until(bench.deployed, "the second rollout")
    assert all(total <= 5 and ready >= 3 for total, ready in seen), seen
    assert {p["spec"]["containers"][0]["image"] for p in bench.pods()} == {"app:2"}


@on_bench
async def test_a_broken_version_stops_the_rollout_and_undo_brings_the_old_one_back(bench: Bench) -> None:
    bench.node.broken.add("bad")
    bench.store.create(DEPLOYMENTS, deployment(progressDeadlineSeconds=1))
    await bench.until(bench.deployed, "the first rollout")
    bench.change(DEPLOYMENTS, "web", template=template("bad:2"))

    def reason() -> str:
        return (condition(bench.store.get(DEPLOYMENTS, "ns", "web"), "Progressing") or {}).get("reason", "")

    await bench.until(lambda: reason() == "ProgressDeadlineExceeded", "the rollout to be called stuck")
    ready = [p for p in bench.pods() if (condition(p, "Ready") or {}).get("status") == "True"]
    assert len(ready) == 3, "the old pods go on serving"
    bench.change(DEPLOYMENTS, "web", template=template("app:1"))
    await bench.until(bench.deployed, "the old version")
    revisions = {
        rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for rs in bench.store.objects(REPLICASETS)
    }
    assert revisions == {"2", "3"}
    assert reason() == "NewReplicaSetAvailable"


@on_bench
async def test_recreate_waits_for_the_last_old_pod(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment(replicas=2, strategy={"type": "Recreate"}))
    await bench.until(bench.deployed, "the first rollout")
    bench.node.slow_to_end = True
    bench.change(DEPLOYMENTS, "web", template=template("app:2"))
    await bench.settle()
    olds = bench.pods()
    assert len(olds) == 2
    assert all(p["metadata"].get("deletionTimestamp") for p in olds)
    bench.node.slow_to_end = False
    for pod in olds:
        bench.node.end(pod)
    await bench.until(bench.deployed, "the new pods")


@on_bench
async def test_scaling_down_takes_pods_that_are_not_ready_first(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment(replicas=3))
    await bench.until(bench.deployed, "the deployment to be complete")
    sick = bench.pods()[1]
    bench.node.report(sick, ready=False)
    bench.change(DEPLOYMENTS, "web", replicas=2)
    await bench.until(lambda: len(bench.pods()) == 2, "two pods")
    assert sick["metadata"]["name"] not in bench.names()


@on_bench
async def test_scaling_during_a_rollout_keeps_both_versions_in_proportion(bench: Bench) -> None:
    bench.node.broken.add("bad")
    bench.store.create(DEPLOYMENTS, deployment(replicas=4))
    await bench.until(bench.deployed, "the first rollout")
    bench.change(DEPLOYMENTS, "web", template=template("bad:2"))
    await bench.settle()
    bench.change(DEPLOYMENTS, "web", replicas=8)
    await bench.settle()
    sizes = sorted(rs["spec"]["replicas"] for rs in bench.store.objects(REPLICASETS))
    assert sum(sizes) == 10, sizes
    assert sizes[0] >= 2


@on_bench
async def test_the_history_is_kept_short(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment(replicas=1, revisionHistoryLimit=2))
    for version in range(2, 7):
        await bench.until(bench.deployed, "a rollout")
        bench.change(DEPLOYMENTS, "web", template=template(f"app:{version}"))
    await bench.until(bench.deployed, "the last rollout")
    await bench.until(lambda: len(bench.store.objects(REPLICASETS)) == 3, "two old ReplicaSets and the present one")


@on_bench
async def test_an_orphan_that_matches_is_adopted_and_counted(bench: Bench) -> None:
    orphan = {"metadata": {"name": "orphan", "namespace": "ns", "labels": {"app": "web", "tier": "x"}}}
    bench.store.create(PODS, {**orphan, "spec": template()["spec"]})
    selector = {"matchLabels": {"app": "web"}}
    replicaset = {"metadata": {"name": "rs", "namespace": "ns"}}
    bench.store.create(
        REPLICASETS, {**replicaset, "spec": {"replicas": 2, "selector": selector, "template": template()}}
    )
    await bench.until(lambda: len(bench.pods()) == 2, "one more pod")
    await bench.settle()
    assert bench.store.get(PODS, "ns", "orphan")["metadata"]["ownerReferences"][0]["name"] == "rs"
    assert len(bench.pods()) == 2


@on_bench
async def test_what_was_done_is_told_in_events(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment(replicas=1))
    await bench.until(bench.deployed, "the deployment to be complete")
    reasons = {event["reason"] for event in bench.store.objects(EVENTS)}
    assert {"ScalingReplicaSet", "SuccessfulCreate", "Scheduled"} <= reasons
