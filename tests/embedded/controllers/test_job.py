"""Jobs and disruption budgets."""

from __future__ import annotations

from typing import Any

from controller_support import Bench, deployment, on_bench

from muster.embedded.controllers import job as job_module
from muster.embedded.objects import condition
from muster.embedded.resources import DEPLOYMENTS, JOBS, PODDISRUPTIONBUDGETS, PODS


def job(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "app:1"}]
    template = {"spec": {"restartPolicy": "Never", "containers": containers}}
    return {"metadata": {"name": "j", "namespace": "ns"}, "spec": {"template": template, **spec}}


def finish(bench: Bench, pod: dict[str, Any], phase: str) -> None:
    pod = bench.store.get(PODS, "ns", pod["metadata"]["name"])
    pod["status"]["phase"] = phase
    bench.store.update_status(PODS, pod)


def status(bench: Bench) -> dict[str, Any]:
    return bench.store.get(JOBS, "ns", "j").get("status") or {}


@on_bench
async def test_a_job_runs_as_often_and_as_wide_as_it_says(bench: Bench) -> None:
    bench.store.create(JOBS, job(completions=3, parallelism=2))
    await bench.until(lambda: len(bench.pods()) == 2, "two pods at once")
    await bench.settle()
    finish(bench, bench.pods()[0], "Succeeded")
    await bench.until(lambda: len(bench.pods()) == 3, "a third pod")
    await bench.settle()
    for pod in bench.pods():
        finish(bench, pod, "Succeeded")
    await bench.until(lambda: condition({"status": status(bench)}, "Complete"), "the job to be complete")
    assert status(bench)["succeeded"] == 3
    assert "completionTime" in status(bench)
    assert len(bench.pods()) == 3


@on_bench
async def test_a_job_fails_when_its_pods_do(bench: Bench) -> None:
    bench.store.create(JOBS, job(backoffLimit=1))
    for _ in range(2):
        running = await bench.until(
            lambda: [p for p in bench.pods() if p["status"]["phase"] == "Running"], "a running pod"
        )
        finish(bench, running[0], "Failed")
    found = await bench.until(lambda: condition({"status": status(bench)}, "Failed"), "the job to fail")
    assert found["reason"] == "BackoffLimitExceeded"
    assert status(bench)["failed"] == 2


@on_bench
async def test_a_job_that_takes_too_long_is_ended(bench: Bench) -> None:
    bench.store.create(JOBS, job(activeDeadlineSeconds=1))
    found = await bench.until(lambda: condition({"status": status(bench)}, "Failed"), "the deadline to pass")
    assert found["reason"] == "DeadlineExceeded"
    await bench.until(lambda: not bench.pods(), "its pod to go")


def test_after_failures_the_next_pod_comes_later_each_time() -> None:
    def failed(count: int) -> list[dict[str, Any]]:
        end = {"terminated": {"finishedAt": job_module.timestamp()}}
        return [{"status": {"phase": "Failed", "containerStatuses": [{"state": end}]}} for _ in range(count)]

    waits = [job_module._backoff(failed(count)) for count in (0, 1, 2, 9)]
    assert waits[0] == 0
    assert 8 < waits[1] <= 10 < waits[2] <= 20
    assert waits[3] <= job_module.LAST_BACKOFF_S


@on_bench
async def test_a_budget_says_how_many_may_be_evicted(bench: Bench) -> None:
    bench.store.create(DEPLOYMENTS, deployment(replicas=3))
    await bench.until(bench.deployed, "the deployment to be complete")
    spec = {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}}
    bench.store.create(PODDISRUPTIONBUDGETS, {"metadata": {"name": "b", "namespace": "ns"}, "spec": spec})

    def allowed() -> int:
        found = bench.store.get(PODDISRUPTIONBUDGETS, "ns", "b").get("status") or {}
        return found.get("disruptionsAllowed", -1)

    await bench.until(lambda: allowed() == 1, "one of three may go")
    bench.node.report(bench.pods()[0], ready=False)
    await bench.until(lambda: allowed() == 0, "none may go")
