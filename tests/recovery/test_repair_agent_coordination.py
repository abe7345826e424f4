"""Agents whose worker is gone or hangs come back to work, however long they would have waited for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from muster.base.waiting import wait_for
from muster.drill.work import WorkCheck
from muster.recovery.repair_agent_coordination import was_ready

from .deployed import settings_told, status
from .frozen import frozen, kill
from .reference import Reference, states

PROCEDURE = "repair-agent-coordination"


@pytest.fixture
def reference(reference: Reference) -> Reference:
    """Its agents wait for a silent worker as good as for ever."""
    version = status(reference)["settings_version"]
    reference.configure("agent_expiry_s", "600")
    wait_for(lambda: not {version, ""} & settings_told(reference), within=120, reason="all to have the setting")
    wait_for(lambda: status(reference).get("agents_available") == 61, within=60, reason="all agents to be at work")
    return reference


def holders(reference: Reference) -> set[str]:
    return {agent["holder"] for agent in json.loads(reference.ask("GET", "/agents").body)["agents"]}


def worker(reference: Reference) -> str:
    pods = reference.cluster.list("Pod", reference.namespace, labels="app=agents")
    return str(pods[0]["metadata"]["name"])


def test_agents_of_a_worker_that_died_are_taken_over_at_once(reference: Reference) -> None:
    assert set(states(reference.recover(PROCEDURE)).values()) == {"skipped"}
    lost = worker(reference)
    kill(f"POD_NAME={lost}")
    reference.cluster.delete("Pod", lost, reference.namespace, grace_s=0)
    wait_for(lambda: status(reference).get("degraded"), within=60, reason="the agents to be missed")
    assert (
        WorkCheck(reference.context).trouble().startswith("not all agents are at work: 'degraded' is true, not false")
    )
    before = reference.uids("app=agents")

    outcome = reference.recover(PROCEDURE)
    assert outcome.ok, outcome.why
    assert "'degraded' is true, not false" in outcome.steps[0].detail
    assert states(outcome)["release agents of silent workers"] == "done"
    assert status(reference).get("agents_available") == 61
    assert WorkCheck(reference.context).trouble() == ""
    assert lost not in holders(reference)
    assert reference.uids("app=agents") >= before, "nobody else was to be restarted"


def test_a_worker_that_hangs_is_ended_and_its_agents_are_taken_over(reference: Reference) -> None:
    hanging = worker(reference)
    with frozen(f"POD_NAME={hanging}"):
        wait_for(lambda: status(reference).get("degraded"), within=60, reason="the agents to be missed")
        outcome = reference.recover(PROCEDURE)
        assert outcome.ok, outcome.why
        said = {step.name: step.detail for step in outcome.steps}
        assert said["restart workers that hang"] == f"ended by force: {hanging}"
        assert states(outcome)["restart all workers"] == "skipped"
    assert status(reference).get("degraded") is False
    assert hanging not in holders(reference)


def test_without_workers_there_is_nobody_to_take_agents_over(reference: Reference) -> None:
    reference.lose("agents")
    outcome = reference.recover(PROCEDURE)
    assert "Deployment agents has no replicas, so nobody is there to take agents over" in outcome.why


def pod(ready: str, turned: str, started: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": f"2026-01-01T00:00:{turned}Z"}
    container = {"name": "worker", "state": {"running": {"startedAt": f"2026-01-01T00:00:{started}Z"}}}
    return {"metadata": {"name": "w"}, "status": {"conditions": [condition], "containerStatuses": [container]}}


@pytest.mark.parametrize(
    ("found", "hangs"),
    [
        (pod("True", turned="12", started="10"), False),
        (pod("False", turned="30", started="10"), True),
        (pod("False", turned="10", started="10"), False),  # made just now
        (pod("False", turned="30", started="31"), False),  # its container died and starts again
        ({"metadata": {"name": "w"}, "status": {}}, False),
        ({"metadata": {"name": "w"}}, False),
    ],
    ids=["ready", "was ready", "starts", "starts again", "not placed yet", "just created"],
)
def test_a_worker_that_starts_does_not_hang(found: dict[str, Any], hangs: bool) -> None:
    assert was_ready(found) is hangs
