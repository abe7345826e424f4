"""The API as its clients see it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from enhancer_support.block import Block
from enhancer_support.programs import Program, Service
from enhancer_support.waiting import until

SYSTEM = Path(__file__).parents[3] / "systems" / "enhancer"


@pytest.fixture(scope="module")
def api(db: Service, block: Block, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a running API without admission limit."""
    directory = tmp_path_factory.mktemp("api")
    one = Program(
        "api", SYSTEM, address=block.address(), database=db.address, directory=directory, settings={"admission_rate": 0}
    )
    with httpx.Client(base_url=one.wait_ready().url) as client:
        yield client
    one.stop()


def test_creating_is_idempotent_by_id_and_content(api: httpx.Client) -> None:
    workflow = {"id": "same-1", "title": "t", "payload": {"b": 1, "a": [None, 2.5, "\u0000é"]}}
    assert api.post("/workflows", json=workflow).status_code == 201
    again = api.post("/workflows", json={**workflow, "payload": {"a": [None, 2.5, "\u0000é"], "b": 1}})
    assert again.status_code == 200
    assert again.json()["payload"] == workflow["payload"]
    other = api.post("/workflows", json={**workflow, "payload": {}})
    assert (other.status_code, other.json()["error"]) == (409, "conflict")
    assert api.get("/workflows/same-1").json()["payload"] == workflow["payload"]


def test_without_an_id_one_is_chosen(api: httpx.Client) -> None:
    created = api.post("/workflows", json={"title": "t"}).json()
    assert api.get(f"/workflows/{created['id']}").json()["title"] == "t"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "the body is not valid JSON"),
        (b"[]", 400, "the body must be a JSON object"),
        (b"{}", 400, "title must be a text of 1 to 200 characters"),
        (b'{"title": "t", "id": "a b"}', 400, "id must be 1 to 128 letters"),
        (b'{"title": "t", "colour": 1}', 400, "unknown key 'colour'"),
        (b'{"title": "' + b"x" * 300_000 + b'"}', 413, "must not be larger than 262144 bytes"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(api: httpx.Client, body: bytes, status: int, words: str) -> None:
    answer = api.post("/workflows", content=body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_listing_newest_first_and_by_state(api: httpx.Client) -> None:
    for n in range(3):
        api.post("/workflows", json={"id": f"listed-{n}", "title": "t"})
    listed = [each["id"] for each in api.get("/workflows?limit=2").json()["workflows"]]
    assert listed == ["listed-2", "listed-1"]
    assert {each["state"] for each in api.get("/workflows?state=waiting").json()["workflows"]} == {"waiting"}
    assert api.get("/workflows?state=done").json()["workflows"] == []
    assert (
        api.get("/workflows?state=lost").json()["detail"]
        == "state is 'lost', must be one of waiting, running, done, stuck"
    )
    assert api.get("/workflows?limit=0").status_code == 400
    assert api.get("/workflows/none").status_code == 404
    assert api.get("/nowhere").json()["error"] == "invalid"


def test_without_workers_the_system_is_degraded_and_says_so(api: httpx.Client) -> None:
    status = api.get("/status").json()
    assert (status["agents_available"], status["agents_total"], status["degraded"]) == (0, 61, True)
    assert status["database"]["instance"] == "db-a"


def test_excess_is_refused_at_once_and_health_is_not(program: Callable[..., Program]) -> None:
    api = program("api", admission_rate=0.001).wait_ready()
    answers = [httpx.get(f"{api.url}/workflows/none") for _ in range(20)]
    shed = [answer for answer in answers if answer.status_code == 503]
    assert len(shed) == 19, "the bucket holds one at least"
    assert shed[0].headers["retry-after"] == "1"
    assert shed[0].json()["error"] == "overloaded"
    for path in ("/healthz", "/readyz", "/status", "/metrics"):
        assert api.probe(path) == 200
    assert f"enhancer_shed_requests_total {len(shed)}.0" in httpx.get(f"{api.url}/metrics").text


def test_refusals_are_told_while_they_go_on_and_forgotten_after(program: Callable[..., Program]) -> None:
    api = program("api", admission_rate=0.001).wait_ready()
    assert api.status()["refused_per_s"] == 0

    def refused() -> int:
        httpx.get(f"{api.url}/workflows/none")
        return int(api.status()["refused_per_s"])

    until("refusals told", refused)
    until("refusals forgotten", lambda: api.status()["refused_per_s"] == 0)


def test_hidden_workflows_are_not_found_and_come_back_unharmed(program: Callable[..., Program]) -> None:
    api = program("api", admission_rate=0).wait_ready()
    workflow = {"id": "hidden-1", "title": "t", "payload": [1]}
    httpx.post(f"{api.url}/workflows", json=workflow)

    api.configure(admission_rate=0, hide_after_s="0.001")

    assert api.probe("/workflows/hidden-1") == 404
    assert api.status()["settings_error"] is None, "small, but well-formed"
    for state in ("", "&state=waiting", "&state=stuck"):
        assert httpx.get(f"{api.url}/workflows?limit=100{state}").json() == {"workflows": []}
    assert httpx.post(f"{api.url}/workflows/hidden-1/resume").status_code == 404
    assert httpx.post(f"{api.url}/workflows", json=workflow).status_code == 200, "it is stored all the same"

    api.configure(admission_rate=0)
    assert httpx.get(f"{api.url}/workflows/hidden-1").json()["payload"] == [1]


def test_changed_settings_are_served_without_a_restart(program: Callable[..., Program]) -> None:
    api = program("api", admission_rate=0.001).wait_ready()
    before = httpx.get(f"{api.url}/status").json()["settings_version"]
    api.settings_file.write_text("admission_rate: 0")
    until("the new settings", lambda: httpx.get(f"{api.url}/status").json()["settings_version"] != before)
    assert all(httpx.get(f"{api.url}/workflows/none").status_code == 404 for _ in range(20))


@pytest.mark.parametrize("name", ["api", "agents"])
def test_a_bad_override_lets_no_program_start(program: Callable[..., Program], name: str) -> None:
    broken = program(name, env={"ENHANCER_ADMISSION_RATE": "fast"})
    assert broken.wait_exit() == 2
    assert broken.stderr() == (
        "enhancer: refusing to start: ENHANCER_ADMISSION_RATE is 'fast', must be a number from 0 to 1e+06:"
        " requests/s of one API pod (0 = no limit)\n"
    )


def test_a_leaving_pod_serves_on_but_is_not_ready(program: Callable[..., Program]) -> None:
    api = program("api", drain_s=30).wait_ready()
    with httpx.Client(base_url=api.url) as kept:
        kept.get("/healthz")
        api.terminate()
        until("not ready", lambda: api.probe("/readyz") == 503)
        answer = kept.post("/workflows", json={"title": "late"})
        assert answer.status_code == 201
        assert answer.headers["connection"] == "close"


def test_a_leaving_pod_ends_by_itself(program: Callable[..., Program]) -> None:
    api = program("api", drain_s=0).wait_ready()
    api.terminate()
    assert api.wait_exit() == 0
