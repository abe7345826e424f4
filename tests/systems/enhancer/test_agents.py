"""The agents: every one of them works, and none is missed for long."""

from collections.abc import Callable

import httpx
import orjson
from enhancer_support.databases import Pair
from enhancer_support.programs import Program
from enhancer_support.waiting import until

from enhancer.phases import PHASES, chain

QUICK = {"heartbeat_s": 0.2, "agent_expiry_s": 1.0, "idle_poll_s": 0.05, "batch_s": 0.01, "admission_rate": 0}


def available(api: Program) -> int:
    """How many agents are available."""
    return int(httpx.get(f"{api.url}/agents").json()["available"])


def holders(api: Program) -> dict[str, int]:
    """How many agents each worker holds."""
    held = [agent["holder"] for agent in httpx.get(f"{api.url}/agents").json()["agents"] if agent["holder"]]
    return {holder: held.count(holder) for holder in set(held)}


def finished(api: Program, workflow: str) -> dict[str, object] | None:
    """The workflow if it is done."""
    found = httpx.get(f"{api.url}/workflows/{workflow}").json()
    return found if found["state"] == "done" else None


def test_all_61_agents_carry_workflows_through_eight_phases(program: Callable[..., Program]) -> None:
    api = program("api", **QUICK).wait_ready()
    for _ in range(3):
        program("agents", **QUICK)
    until("61 agents available", lambda: available(api) == 61)
    until("fair shares", lambda: sorted(holders(api).values()) == [19, 21, 21])
    assert httpx.get(f"{api.url}/status").json()["degraded"] is False
    for n in range(120):
        httpx.post(f"{api.url}/workflows", json={"id": f"many-{n}", "title": "t", "payload": n})

    done = until("a workflow done", lambda: finished(api, "many-119"))

    content = orjson.dumps({"title": "t", "payload": 119}, option=orjson.OPT_SORT_KEYS).decode()
    phases = done["phases"]
    assert isinstance(phases, list)
    assert [each["phase"] for each in phases] == list(PHASES)
    assert [each["artefact"] for each in phases] == chain("many-119", content)
    until(
        "every agent has done phases",
        lambda: all(agent["phases"] > 0 for agent in httpx.get(f"{api.url}/agents").json()["agents"]),
    )


def test_the_agents_and_the_work_of_a_dead_worker_are_taken_over(program: Callable[..., Program]) -> None:
    slow = {**QUICK, "phase_duration_s": 0.4, "phase_lease_s": 3600}
    api = program("api", **QUICK).wait_ready()
    doomed = program("agents", **slow).wait_ready()
    until("all agents with the first worker", lambda: holders(api).get(doomed.name) == 61)
    for n in range(10):
        httpx.post(f"{api.url}/workflows", json={"id": f"orphan-{n}", "title": "t"})
    until("work begun", lambda: len(httpx.get(f"{api.url}/workflows?state=running").json()["workflows"]))

    doomed.kill()
    heir = program("agents", **QUICK).wait_ready()

    until("all agents with the heir", lambda: holders(api) == {heir.name: 61})
    for n in range(10):
        until(f"workflow {n} done", lambda n=n: finished(api, f"orphan-{n}"))


def test_a_worker_that_leaves_gives_its_agents_back_at_once(pair: Pair, program: Callable[..., Program]) -> None:
    patient = {**QUICK, "agent_expiry_s": 60}
    api = program("api", **patient).wait_ready()
    pair.a.sql("update agents set holder = null")  # workers of other tests were killed, and nobody expires here
    pair.a.sql("delete from workers")
    leaving = program("agents", **patient).wait_ready()
    staying = program("agents", **patient).wait_ready()
    until("agents shared", lambda: len(holders(api)) == 2)

    leaving.terminate()
    leaving.wait_exit()

    until("all agents with the other", lambda: holders(api) == {staying.name: 61})
