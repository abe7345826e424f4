"""What is refused for want of capacity is measured, capacity added, measured again, and taken back afterwards."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probes.service import Service

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery import find_procedure
from muster.recovery.add_capacity import AddCapacity, replicas_needed
from muster.recovery.add_capacity import _Scaling as Sampled
from muster.safety import AuditLog
from muster.steps import Context, Outcome, run
from muster.system import read_system
from muster.system.pods import is_ready

ROOT = Path(__file__).resolve().parents[2]
LABELS = {"app": "api"}
BEFORE = "muster.dev/replicas-before"


class Limited(Service):
    """Clients ask for what `demand` replicas could serve; what is more than the ready ones can is refused cleanly."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._numbers = itertools.count()
        self.demand = self.demand_later = 2.0  # later: once there are more than two
        self.down = False
        super().__init__()
        self.pages["/workflows"] = {"workflows": []}
        self.headers = {"Retry-After": "1"}

    def _act(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        if self.down:
            return 500, "down"
        ready = sum(is_ready(pod) for pod in self._cluster.list("Pod", self._namespace))
        share = max(0.0, 1 - ready / (self.demand if ready <= 2 else self.demand_later))
        number = next(self._numbers)
        if math.floor((number + 1) * share) > math.floor(number * share):
            return 503, "overloaded"
        return super()._act(method, target, body)


@pytest.fixture
def service(cluster: Cluster, namespace: str) -> Iterator[Limited]:
    """The address of a Deployment `api` with two replicas."""
    container = {"name": "api", "image": "python:3.11-slim", "command": ["sleep", "1000"]}
    template = {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template}
    cluster.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}, namespace
    )
    ports = {"selector": LABELS, "ports": [{"port": 8080}]}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": ports}, namespace)
    wait_for(
        lambda: sum(is_ready(pod) for pod in cluster.list("Pod", namespace)) == 2, within=120, reason="the API to be up"
    )
    with Limited(cluster, namespace) as service:
        yield service


@pytest.fixture
def context(service: Limited, cluster: Cluster, namespace: str, tmp_path: Path) -> Context:
    system = read_system(ROOT / "systems" / "enhancer")
    patient = system.read.model_copy(update={"limit_s": 30.0})  # the service asks the cluster at each request
    system = system.model_copy(update={"read": patient})
    return Context(cluster, system, namespace, None, AuditLog(tmp_path / "audit.jsonl"), url=service.url)


def recover(context: Context, name: str = "add-capacity") -> Outcome:
    return run(find_procedure(name), context)


def allowed(context: Context, replicas: int) -> Context:
    """The same where system.yaml allows so many replicas."""
    assert context.system.operations.capacity is not None
    capacity = context.system.operations.capacity.model_copy(update={"max_replicas": replicas})
    operations = context.system.operations.model_copy(update={"capacity": capacity})
    return replace(context, system=context.system.model_copy(update={"operations": operations}))


def state(context: Context) -> tuple[int, str | None]:
    """How many replicas the Deployment is to have, and how many it remembers."""
    found: dict[str, Any] = context.cluster.get("Deployment", "api", context.namespace)
    return found["spec"]["replicas"], (found["metadata"].get("annotations") or {}).get(BEFORE)


def states(outcome: Outcome) -> dict[str, str]:
    return {step.name: step.state for step in outcome.steps}


def test_where_nothing_is_refused_nothing_is_done(context: Context) -> None:
    outcome = recover(context)
    assert outcome.ok
    assert set(states(outcome).values()) == {"skipped"}
    assert state(context) == (2, None)


def test_what_chance_refuses_is_no_want_of_capacity(context: Context, service: Limited) -> None:
    service.demand_later = 1000
    service.demand = 2.04  # 2 % are refused
    assert set(states(recover(context)).values()) == {"skipped"}


def test_as_many_replicas_are_added_as_the_refused_need_and_taken_back(context: Context, service: Limited) -> None:
    service.demand = service.demand_later = 5
    outcome = recover(context)
    assert outcome.ok, outcome.why
    assert states(outcome) == {"diagnose": "done", "add replicas": "done", "verify": "done"}
    assert state(context) == (8, "2"), "2 replicas serve 2 of 5 requests; 5 are needed, and 60 % on top"
    assert "72 of 120 requests refused" in outcome.steps[0].detail
    assert "0 of 120 requests refused" in outcome.steps[2].detail

    back = recover(context, "release-capacity")
    assert back.ok, back.why
    assert states(back) == {"scale back": "done"}
    assert state(context) == (2, None)
    assert len(context.cluster.list("Pod", context.namespace)) == 2
    assert states(recover(context, "release-capacity")) == {"scale back": "skipped"}


def test_where_it_was_not_enough_more_is_added(context: Context, service: Limited) -> None:
    service.demand, service.demand_later = 3, 7
    outcome = recover(context)
    assert outcome.ok, outcome.why
    assert states(outcome)["add replicas (2)"] == "done"
    replicas, before = state(context)
    assert replicas >= 7
    assert before == "2", "what there was at first is what it goes back to"


def test_what_was_added_before_is_still_known_the_next_time(context: Context, service: Limited) -> None:
    service.demand = service.demand_later = 3
    assert recover(context).ok
    service.demand_later = 6
    assert recover(context).ok
    assert state(context)[1] == "2"


def test_no_more_replicas_than_the_system_allows(context: Context, service: Limited) -> None:
    service.demand = service.demand_later = 8
    outcome = recover(allowed(context, 4))
    assert not outcome.ok
    assert "Deployment api has 4 replicas and needs about 13; system.yaml allows 4" in outcome.why
    assert state(context) == (4, "2")


def test_replicas_that_cannot_be_scheduled_are_said_to_while_they_are_waited_for(
    context: Context, service: Limited
) -> None:
    service.demand = service.demand_later = 5
    (node,) = context.cluster.list("Node")
    context.cluster.patch("Node", node["metadata"]["name"], None, {"spec": {"unschedulable": True}})
    try:
        _, add = itertools.islice(AddCapacity().steps(context), 2)
        assert add.waits_for is not None
        look = Sampled(context)
        assert look.is_short()
        look.scale()
        wait_for(lambda: "cannot be scheduled: 0/1 nodes" in look.missing(), within=60, reason="the reason")
        assert not look.serves()
    finally:
        context.cluster.patch("Node", node["metadata"]["name"], None, {"spec": {"unschedulable": None}})
    wait_for(look.serves, within=60, reason="the replicas to serve", latest=look.missing)
    assert look.missing() == ""


def test_a_service_that_answers_nobody_is_not_short_of_replicas(context: Context, service: Limited) -> None:
    service.down = True
    outcome = recover(context)
    assert not outcome.ok
    assert "answers nobody: 0 of 120 requests refused, 120 error" in outcome.why
    assert state(context) == (2, None)


def test_a_system_that_names_no_capacity_is_told_so(context: Context) -> None:
    operations = context.system.operations.model_copy(update={"capacity": None})
    for name in ("add-capacity", "release-capacity"):
        without = replace(context, system=context.system.model_copy(update={"operations": operations}))
        assert "declares no 'operations.capacity' in its system.yaml" in recover(without, name).why


def test_a_memory_that_is_no_number_is_left_to_a_person(context: Context) -> None:
    patch = {"metadata": {"annotations": {BEFORE: "three"}}}
    context.cluster.patch("Deployment", "api", context.namespace, patch)
    outcome = recover(context, "release-capacity")
    assert not outcome.ok
    assert "muster.dev/replicas-before: 'three'; right would be a number" in outcome.why


@given(st.integers(1, 100), st.floats(0, 1))
def test_enough_replicas_are_needed_and_never_fewer_than_there_are(present: int, refused: float) -> None:
    needed = replicas_needed(present, refused)
    assert needed > present
    assert needed >= present / max(1 - refused, 1 / (present * 10))
