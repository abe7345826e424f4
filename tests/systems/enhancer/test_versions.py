"""Two versions of the programs side by side: each says which it is, and neither takes what the other could not go on
with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from enhancer_support.databases import Pair
from enhancer_support.programs import Program
from enhancer_support.waiting import until

QUICK = {"heartbeat_s": 0.2, "agent_expiry_s": 1.0, "idle_poll_s": 0.05, "batch_s": 0.01, "admission_rate": 0}
AHEAD = {"ENHANCER_DEFECT": "incompatible"}
# What the metrics of each pod must tell to whoever compares two versions.
OF_BOTH = ("process_resident_memory_bytes", "process_cpu_seconds_total")
OF_API = ("enhancer_requests_total{", "enhancer_request_seconds_bucket{", "enhancer_agents_incompatible 0.0")
OF_WORKER = ("enhancer_agents_failed 0.0", "enhancer_phase_failures_total 0.0", "enhancer_agents_held ")
MANIFESTS = Path(__file__).parents[3] / "systems" / "enhancer"
# What a worker of a version without protocols gives as a sign of life.
OLD_BEAT = "insert into workers (name, beat) values ('old', now()) on conflict (name) do update set beat = now()"


def metrics(one: Program) -> str:
    return httpx.get(f"{one.url}/metrics").text


def holders(api: Program) -> set[str]:
    return {agent["holder"] for agent in httpx.get(f"{api.url}/agents").json()["agents"] if agent["holder"]}


def test_every_answer_says_which_version_gave_it(program: Callable[..., Program]) -> None:
    api = program("api", env={"ENHANCER_VERSION": "5.2"}, **QUICK).wait_ready()
    worker = program("agents", **QUICK).wait_ready()
    for path in ("/workflows", "/workflows/none", "/nowhere", "/status", "/healthz", "/readyz", "/metrics"):
        assert httpx.get(api.url + path).headers["x-version"] == "5.2", path
    assert httpx.post(f"{api.url}/workflows", content=b"{").headers["x-version"] == "5.2"
    assert api.status()["version"] == "5.2"
    assert httpx.get(f"{worker.url}/readyz").headers["x-version"] == "5.1", "what runs without an image"


@pytest.mark.parametrize("name", ["api", "agents"])
def test_what_is_no_version_lets_no_program_start(program: Callable[..., Program], name: str) -> None:
    broken = program(name, env={"ENHANCER_VERSION": "5 2\n"})
    assert broken.wait_exit() == 2
    assert "ENHANCER_VERSION is '5 2\\n', must be a version such as 5.1" in broken.stderr()


def test_a_refusal_of_excess_says_its_version_too(program: Callable[..., Program]) -> None:
    api = program("api", admission_rate=0.001).wait_ready()
    answers = [httpx.get(f"{api.url}/workflows/none") for _ in range(3)]
    assert answers[-1].status_code == 503
    assert answers[-1].headers["x-version"] == "5.1"


def test_each_pod_tells_what_two_versions_are_compared_by(program: Callable[..., Program]) -> None:
    api = program("api", **QUICK).wait_ready()
    worker = program("agents", **QUICK).wait_ready()
    httpx.get(f"{api.url}/workflows")
    for one, told in ((api, OF_BOTH + OF_API), (worker, OF_BOTH + OF_WORKER)):
        text = metrics(one)
        assert [name for name in told if f"\n{name}" not in text] == []


def test_a_worker_of_another_protocol_is_told_and_given_nothing(program: Callable[..., Program]) -> None:
    api = program("api", **QUICK).wait_ready()
    worker = program("agents", **QUICK).wait_ready()
    until("all agents with the worker", lambda: holders(api) == {worker.name})
    ahead = program("agents", env=AHEAD, **QUICK).wait_ready()
    until("it is told", lambda: api.status()["agents_incompatible"] == 1)
    assert "\nenhancer_agents_incompatible 1.0" in metrics(api)
    for n in range(20):
        httpx.post(f"{api.url}/workflows", json={"id": f"both-{n}", "title": "t"})
    until(
        "all done",
        lambda: all(httpx.get(f"{api.url}/workflows/both-{n}").json()["state"] == "done" for n in range(20)),
    )
    assert holders(api) == {worker.name}
    assert api.status()["degraded"] is False
    assert "\nenhancer_agents_held 0.0" in metrics(ahead)
    assert 'enhancer_phases_total{phase="plan"}' not in metrics(ahead)

    worker.kill()  # nor does it take over from one that is silent
    until("nobody is there", lambda: api.status()["agents_available"] == 0)
    until("it beats on", lambda: api.status()["agents_incompatible"] == 1)
    assert holders(api) == {worker.name}

    heir = program("agents", **QUICK).wait_ready()
    until("the heir has all", lambda: holders(api) == {heir.name})
    ahead.terminate()
    assert ahead.wait_exit() == 0
    until("it is forgotten", lambda: api.status()["agents_incompatible"] == 0)


def test_a_schema_without_protocols_is_completed_while_the_older_version_runs(
    pair: Pair, program: Callable[..., Program]
) -> None:
    program("api", **QUICK).wait_ready().stop()
    pair.a.sql("alter table workers drop column protocol")
    pair.a.sql("alter table installation drop column protocol")
    pair.a.sql("delete from workers")
    pair.a.sql(OLD_BEAT)

    worker = program("agents", **QUICK).wait_ready()  # before any API of its version
    api = program("api", **QUICK).wait_ready()

    pair.a.sql(OLD_BEAT)
    until("the worker has a share", lambda: worker.name in holders(api))
    assert api.status()["agents_incompatible"] == 0, "an older one counts as of the first protocol"


def manifests(path: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / path).read_text()))


def test_the_routes_of_a_release_lead_all_clients_to_the_service() -> None:
    (service,) = [one for one in manifests("manifests/40-api.yaml") if one["kind"] == "Service"]
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
    (route,), (virtual,) = manifests("release/httproute.yaml"), manifests("release/virtualservice.yaml")
    assert route["spec"]["parentRefs"] == [{"group": "", "kind": "Service", "name": name, "port": port}]
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": name, "port": port, "weight": 100}]}]
    (destination,) = virtual["spec"]["http"][0]["route"]
    assert virtual["spec"]["hosts"] == [name]
    assert destination == {"destination": {"host": name, "port": {"number": port}}, "weight": 100}


def images(directory: str) -> dict[str, str]:
    """The texts of a directory's manifests of API and agents, by the name of their file."""
    return {name: (MANIFESTS / directory / name).read_text() for name in ("40-api.yaml", "50-agents.yaml")}


def test_the_release_is_what_is_deployed_but_for_its_image() -> None:
    deployed = images("manifests")
    assert all(text.count("enhancer:5.1") == 1 for text in deployed.values())
    assert images("releases/5.2") == {
        name: text.replace("enhancer:5.1", "enhancer:5.2") for name, text in deployed.items()
    }
    release = yaml.safe_load((MANIFESTS / "releases/5.2/release.yaml").read_text())
    assert release == {"schema": "muster/release/v1", "version": "5.2"}
    known = yaml.safe_load((MANIFESTS / "system.yaml").read_text())["images"]
    assert {name: image["env"]["ENHANCER_VERSION"] for name, image in known.items()} == {
        "enhancer:5.1": "5.1",
        "enhancer:5.2": "5.2",
    }
