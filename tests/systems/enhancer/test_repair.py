"""Work that does not get on, and what brings it back: by itself, and by an operator's call."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from enhancer_support.databases import Pair
from enhancer_support.programs import Program
from enhancer_support.waiting import until

QUICK = {"heartbeat_s": 0.2, "agent_expiry_s": 1.0, "idle_poll_s": 0.05, "batch_s": 0.01, "stuck_after_s": 0.5}
# Nothing heals by itself: no lease ends, and nobody is missed.
PATIENT = {**QUICK, "agent_expiry_s": 600, "phase_lease_s": 86_400}
HANGING = {**PATIENT, "phase_duration_s": 3600}


@pytest.fixture(autouse=True)
def _empty(pair: Pair) -> Iterator[None]:
    """Nothing of one test is left for the next, whose workers were killed."""
    yield
    for table in ("queue", "workflows", "phases", "workers"):
        pair.a.sql(f"delete from {table}")
    pair.a.sql("update agents set holder = null, beat = '-infinity'")


@pytest.fixture
def api(program: Callable[..., Program]) -> Program:
    """An API by whose settings all agents but the freshly killed count."""
    return program("api", **PATIENT).wait_ready()


def hand_in(api: Program, *workflows: str) -> None:
    """Create workflows, oldest first."""
    for workflow in workflows:
        httpx.post(f"{api.url}/workflows", json={"id": workflow, "title": "t"}).raise_for_status()


def stuck(api: Program, limit: int = 100) -> list[dict[str, Any]]:
    """The workflows that do not get on."""
    found: list[dict[str, Any]] = httpx.get(f"{api.url}/workflows?state=stuck&limit={limit}").json()["workflows"]
    return found


def state(api: Program, workflow: str) -> str:
    """State of a workflow."""
    return str(httpx.get(f"{api.url}/workflows/{workflow}").json()["state"])


def claimed(pair: Pair, worker: Program) -> int:
    """How many phases a worker has claimed."""
    return int(pair.a.sql(f"select count(*) from queue where worker = '{worker.name}' and due > now()"))


def hanging(program: Callable[..., Program], pair: Pair, phases: int) -> Program:
    """A worker whose agents hang in so many phases."""
    worker = program("agents", **HANGING).wait_ready()
    until("phases begun", lambda: claimed(pair, worker) == phases)
    return worker


def test_stuck_workflows_are_counted_and_listed_oldest_first(
    api: Program, pair: Pair, program: Callable[..., Program]
) -> None:
    hand_in(api, "old", "middle", "young")
    worker = hanging(program, pair, 3)

    until("three stuck", lambda: api.status()["workflows_stuck"] == 3)

    assert [each["id"] for each in stuck(api)] == ["old", "middle", "young"]
    assert [each["id"] for each in stuck(api, limit=1)] == ["old"]
    first = stuck(api)[0]
    assert (first["state"], first["phase"], first["worker"]) == ("waiting", "explore", worker.name)
    assert first["since"] >= first["created"]
    assert "enhancer_workflows_stuck 3.0" in httpx.get(f"{api.url}/metrics").text
    api.configure(**{**PATIENT, "stuck_after_s": 3600})
    until("nothing stuck by another measure", lambda: api.status()["workflows_stuck"] == 0)
    assert stuck(api) == []


def test_a_stuck_workflow_is_resumed_from_its_last_phase(
    api: Program, pair: Pair, program: Callable[..., Program]
) -> None:
    hand_in(api, "half")
    pair.a.sql("update queue set phase = 3, previous = 'kept' where workflow = 'half'")
    for phase in range(3):
        pair.a.sql(f"insert into phases values ('half', {phase}, 1, 'before-{phase}')")
    worker = hanging(program, pair, 1)
    until("it is stuck", lambda: [each["phase"] for each in stuck(api)] == ["implement"])
    worker.configure(**PATIENT)
    assert claimed(pair, worker) == 1, "who holds it lives, and its lease goes on"

    answer = httpx.post(f"{api.url}/workflows/half/resume")

    assert (answer.status_code, answer.json()["id"], answer.json()["done"]) == (200, "half", 3)
    until("the workflow done", lambda: state(api, "half") == "done")
    phases = httpx.get(f"{api.url}/workflows/half").json()["phases"]
    assert [each["artefact"] for each in phases[:3]] == ["before-0", "before-1", "before-2"]
    assert len(phases) == 8
    done = httpx.post(f"{api.url}/workflows/half/resume")
    assert (done.status_code, done.json()["state"]) == (200, "done")
    assert stuck(api) == []
    assert "enhancer_workflows_resumed_total 1.0" in httpx.get(f"{api.url}/metrics").text


def test_resuming_what_is_not_there_is_refused(api: Program) -> None:
    answer = httpx.post(f"{api.url}/workflows/nobody/resume")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_agents_that_hang_do_not_keep_their_worker_from_leaving(
    api: Program, pair: Pair, program: Callable[..., Program]
) -> None:
    names = [f"hung-{n}" for n in range(70)]
    hand_in(api, *names)
    worker = hanging(program, pair, 61)

    worker.terminate()

    assert worker.wait_exit() == 0
    assert claimed(pair, worker) == 0, "what it had claimed is given back"
    program("agents", **PATIENT)
    for name in names:
        until(f"{name} done", lambda name=name: state(api, name) == "done")


def test_changed_settings_do_not_free_an_agent_that_hangs(
    api: Program, pair: Pair, program: Callable[..., Program]
) -> None:
    hand_in(api, "hung")
    worker = hanging(program, pair, 1)
    worker.configure(**PATIENT)
    hand_in(api, "later")

    until("a later one done with the new settings", lambda: state(api, "later") == "done")

    assert state(api, "hung") == "waiting"


def test_a_restarted_container_takes_up_what_its_predecessor_had_claimed(
    api: Program, pair: Pair, program: Callable[..., Program]
) -> None:
    hand_in(api, "orphan")
    worker = hanging(program, pair, 1)
    worker.kill()

    program("agents", env={"POD_NAME": worker.name}, **PATIENT)

    until("the workflow done", lambda: state(api, "orphan") == "done")


def test_degraded_is_seen_before_others_take_over(api: Program, pair: Pair, program: Callable[..., Program]) -> None:
    mortal = {**PATIENT, "agent_expiry_s": 4}
    workers = [program("agents", **mortal).wait_ready() for _ in range(4)]
    until("all at work", lambda: api.status()["agents_available"] == 61)
    largest = "select max(held) from (select count(*) as held from agents group by holder) as shares"
    until("fair shares", lambda: pair.a.sql(largest) == "16")

    workers[0].kill()

    seen = until("degraded", lambda: api.status()["degraded"] and api.status())
    assert seen["agents_available"] >= 45
    until("all taken over", lambda: api.status()["agents_available"] == 61)
    assert not api.status()["degraded"]


def test_an_operator_frees_the_agents_and_phases_of_a_silent_worker(
    api: Program, pair: Pair, program: Callable[..., Program]
) -> None:
    hand_in(api, "held")
    silent = hanging(program, pair, 1)
    until("all agents held", lambda: api.status()["agents_available"] == 61)
    silent.freeze()
    program("agents", **PATIENT)
    until("the loss seen", lambda: api.status()["degraded"])
    assert state(api, "held") == "waiting", "nobody expires here"

    answer = httpx.post(f"{api.url}/agents/release", json={"silent": True})

    assert answer.status_code == 200
    assert answer.json()["phases"] == 1
    released = answer.json()["released"]
    assert {each["holder"] for each in released} == {silent.name}
    assert "agent-01" in [each["name"] for each in released]
    until("all at work again", lambda: api.status()["agents_available"] == 61)
    until("the workflow done", lambda: state(api, "held") == "done")
    again = httpx.post(f"{api.url}/agents/release", json={"silent": True}).json()
    assert again == {"released": [], "phases": 0}
    assert f"enhancer_agents_released_total {len(released)}.0" in httpx.get(f"{api.url}/metrics").text


@pytest.mark.parametrize("body", [b"{}", b'{"silent": false}', b'{"silent": true, "all": true}', b"[]"])
def test_only_the_silent_are_released(api: Program, body: bytes) -> None:
    answer = httpx.post(f"{api.url}/agents/release", content=body)
    assert answer.status_code == 400


def test_operators_get_through_an_overload(program: Callable[..., Program]) -> None:
    api = program("api", **PATIENT, admission_rate=0.001).wait_ready()
    until("overload", lambda: api.probe("/agents") == 503)
    assert httpx.get(f"{api.url}/workflows?state=stuck").status_code == 200
    assert httpx.post(f"{api.url}/workflows/none/resume").status_code == 404
    assert httpx.post(f"{api.url}/agents/release", json={"silent": True}).status_code == 200
    assert api.probe("/agents") == 503


def test_operators_need_no_standby(api: Program, pair: Pair) -> None:
    hand_in(api, "stuck-alone")
    pair.b.freeze()
    try:
        answer = httpx.post(f"{api.url}/workflows/stuck-alone/resume")
    finally:
        pair.b.thaw()
    assert answer.status_code == 200
