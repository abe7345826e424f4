"""A bad change is found and taken back; what crashes without one is made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.kube.client import STRATEGIC_MERGE_PATCH
from muster.recovery import find_procedure
from muster.safety import AuditLog
from muster.safety.fields import ABSENT, parse_path, read_field
from muster.steps import Context, Outcome, run
from muster.system import read_system
from muster.system.pods import STUCK, is_ready, troubles

ROOT = Path(__file__).resolve().parents[2]
# Crashes where a variable tells it to, or where a file of the pod's own volume does.
SERVE = 'test -z "$BAD" || exit 3; test ! -e /data/broken || exit 4; trap "exit 0" TERM; sleep 1000 & wait'
BAD = parse_path("spec.template.spec.containers[name=web].env[name=BAD]")


@pytest.fixture
def context(cluster: Cluster, namespace: str, tmp_path: Path) -> Context:
    system = read_system(ROOT / "systems" / "enhancer")
    return Context(cluster, system, namespace, None, AuditLog(tmp_path / "audit.jsonl"))


def repair(context: Context) -> Outcome:
    return run(find_procedure("repair-crashed-pods"), context)


def deploy(context: Context, name: str = "web") -> None:
    """A Deployment of two pods that run."""
    labels = {"app": name}
    container = {
        "name": name,
        "image": "python:3.11-slim",
        "command": ["sh", "-c", SERVE],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]},
        },
    }
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    context.cluster.create(body, context.namespace)
    wait_for(lambda: ready(context) == 2, within=60, reason=f"{name} to be up")


def ready(context: Context) -> int:
    return sum(is_ready(pod) for pod in context.cluster.list("Pod", context.namespace))


def set_env(context: Context, name: str, value: str) -> None:
    container = {"name": "web", "env": [{"name": name, "value": value}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    context.cluster.patch("Deployment", "web", context.namespace, patch, content_type=STRATEGIC_MERGE_PATCH)


def crashing(context: Context, *, stuck: bool = False) -> list[Any]:
    found = [trouble for pod in context.cluster.list("Pod", context.namespace) for trouble in troubles(pod)]
    return [trouble for trouble in found if trouble.reason in STUCK] if stuck else found


def field(context: Context, path: Any) -> Any:
    return read_field(context.cluster.get("Deployment", "web", context.namespace), path)


def test_on_a_healthy_system_every_step_is_skipped(context: Context) -> None:
    deploy(context)
    outcome = repair(context)
    assert outcome.ok
    assert {step.state for step in outcome.steps} == {"skipped"}


def test_the_change_that_crashes_is_named_and_reverted(context: Context) -> None:
    deploy(context)
    set_env(context, "GOOD", "1")
    wait_for(
        lambda: ready(context) == 2 and not crashing(context), within=60, reason="the good change to be rolled out"
    )
    set_env(context, "BAD", "1")
    wait_for(lambda: crashing(context), within=60, reason="the bad change to crash")

    outcome = repair(context)
    assert outcome.ok, outcome.why
    details = {step.name: step.detail for step in outcome.steps}
    assert "Deployment web: container web: env BAD was added: '1'" in details["diagnose"]
    assert field(context, BAD) is ABSENT
    assert field(context, parse_path("spec.template.spec.containers[name=web].env[name=GOOD].value")) == "1"
    assert ready(context) == 2
    assert crashing(context) == []
    assert {step.state for step in repair(context).steps} == {"skipped"}


def test_pods_that_crash_without_a_change_are_made_anew(context: Context) -> None:
    deploy(context)
    broken = context.cluster.list("Pod", context.namespace)[0]["metadata"]["name"]
    context.cluster.execute(broken, context.namespace, ["sh", "-c", "touch /data/broken; kill 1"])
    wait_for(lambda: crashing(context, stuck=True), within=60, reason="the pod to be in a crash loop")

    outcome = repair(context)
    assert outcome.ok, outcome.why
    assert f"pod {broken} crashes without a change" in outcome.steps[0].detail
    pods = [pod["metadata"]["name"] for pod in context.cluster.list("Pod", context.namespace)]
    assert broken not in pods
    assert ready(context) == 2


def test_a_pod_that_nothing_would_make_again_is_left_and_the_rest_is_repaired(context: Context) -> None:
    container = {"name": "lone", "image": "python:3.11-slim", "command": ["sh", "-c", "exit 5"]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone"}, "spec": {"containers": [container]}}
    deploy(context)
    context.cluster.create(body, context.namespace)
    set_env(context, "BAD", "1")
    wait_for(lambda: len({t.pod for t in crashing(context, stuck=True)}) == 2, within=60, reason="two crash loops")
    outcome = repair(context)
    assert not outcome.ok
    assert "pod lone: container lone: CrashLoopBackOff" in outcome.why
    assert "repair it by hand" in outcome.why
    assert context.cluster.find("Pod", "lone", context.namespace) is not None
    assert field(context, BAD) is ABSENT
